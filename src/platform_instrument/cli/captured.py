"""What was captured, text by text: lines as a service prints them, and OTLP JSON as collectors write it to files.

A file is read once and forwards; of a line no more is held than masking looks at, of OTLP one document at a time.
Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from platform_instrument.cli.otlp_texts import texts
from platform_instrument.privacy.clean_lines import LONGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

_LARGEST = 32 * 1024 * 1024
"""Characters of one OTLP document."""
_LONGEST_WORD = 4_096

_OTLP = re.compile(r'\s*(?:\[\s*)?\{\s*"resource(?:Spans|Logs|Metrics)"\s*:')
_OPENING = re.compile(r"\s*[\[{]\s*")
_SPACE = re.compile(r"\s*")
_BINARY = re.compile(rb"[\x00-\x06]")
_GZIP, _ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

_WHOLE = "let what writes it end first, or leave the line out"
_SMALLER = "write it with smaller batches, or split it: jq -c '.resourceSpans[] | {resourceSpans: [.]}'"
_JSON = "write it as JSON: `format: json` in the collector's file exporter, without compression"


class Piece(NamedTuple):
    """A text and where it was: `path` and `key` in an OTLP document, `column` in a line of text."""

    line: int
    text: str
    column: int = 0
    path: str = ""
    key: str = ""
    system: str = ""
    """`db.system.name` beside a statement."""


class Problem(NamedTuple):
    """What could not be read, and what to do; `line` is 0 where it is the whole file."""

    file: str
    line: int
    problem: str
    remedy: str


class Capture:
    """One file, or standard input by the name `-`; `problems`, `lines` and `values` tell what was read, once it is."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.lines = 0
        self.values = 0

    def pieces(self) -> Iterator[Piece]:
        """Yield every text in order."""
        try:
            if self.name == "-":
                if sys.stdin is None:
                    self._problem(0, "is closed", "pipe something into it, or name a file")
                else:
                    yield from self._read(sys.stdin.buffer)
                return
            with open(self.name, "rb") as file:  # noqa: PTH123 - a name that pathlib would change
                yield from self._read(file)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self._problem(0, "is damaged, or not whole", "compress it again")
        except OSError as error:
            self._problem(0, error.strerror or str(error), "name a file that can be read, or - for standard input")

    def _problem(self, line: int, problem: str, remedy: str) -> None:
        self.problems.append(Problem(self.name, line, problem, remedy))

    def _read(self, file: Any) -> Iterator[Piece]:  # noqa: ANN401 - buffered readers share no type that can peek
        if file.peek(len(_GZIP)).startswith(_GZIP):
            file = io.BufferedReader(gzip.GzipFile(fileobj=file))
        head = file.peek(1)
        if head.startswith(_ZSTANDARD) or _BINARY.search(head.lstrip(b"\0")):  # a log that was cut to nothing begins with zeros
            self._problem(0, "is neither text nor OTLP JSON", _JSON)
            return
        lines = _Lines(file)
        try:
            yield from self._pieces(lines)
        finally:
            lines.leave()

    def _pieces(self, lines: _Lines) -> Iterator[Piece]:
        while line := lines.next():
            if _OPENING.fullmatch(line):
                line += lines.next()
                if not _OTLP.match(line):
                    lines.push(line)
                    line = lines.next()
            if _OTLP.match(line):
                yield from self._documents(lines, line)
            else:
                self.lines += not lines.column
                yield Piece(lines.number, line.rstrip("\r\n"), lines.column)

    def _documents(self, lines: _Lines, line: str) -> Iterator[Piece]:
        """Yield the texts of a document in a line, or of those that the rest of the file holds."""
        number = lines.number - line.count("\n", 0, -1)
        line += lines.to_the_end(_LARGEST)
        if len(line) >= _LARGEST and not line.endswith("\n"):
            lines.skip()
            self._problem(number, f"is one document of more than {_LARGEST >> 20} MiB", _SMALLER)
            return
        try:
            yield from self._texts(number, json.loads(line, parse_int=float))
        except (json.JSONDecodeError, RecursionError) as error:
            following = lines.next()
            lines.push(following)
            if not _is_begun(line, error) or not following or _OTLP.match(following):
                self._problem(number, "is not a whole JSON document", _WHOLE)
            else:
                yield from self._spread(lines, line, number)

    def _spread(self, lines: _Lines, text: str, number: int) -> Iterator[Piece]:
        """Yield the texts of documents that go over many lines."""
        text += lines.rest(_LARGEST)
        if len(text) > _LARGEST:
            self._problem(number, f"is one document of more than {_LARGEST >> 20} MiB", _SMALLER)
            return
        decoder = json.JSONDecoder(parse_int=float)  # Python reads whole numbers of 4,300 digits at most
        at = 0
        while at < len(text):
            try:
                document, end = decoder.raw_decode(text, at)
            except (json.JSONDecodeError, RecursionError):
                self._problem(number, "is not a whole JSON document", _WHOLE)
                return
            yield from self._texts(number, document)
            space = _SPACE.match(text, end)
            following = end if space is None else space.end()
            number += text.count("\n", at, following)
            at = following

    def _texts(self, number: int, document: object) -> Iterator[Piece]:
        for path, key, text, system in texts(document):
            self.values += 1
            for start in range(0, len(text), LONGEST):
                yield Piece(number, text[start : start + LONGEST], start, path, key, system)


def _is_begun(text: str, error: Exception) -> bool:
    """Say whether a document ends too early, and is right so far."""
    return isinstance(error, json.JSONDecodeError) and error.pos >= len(text.rstrip())


class _Lines:
    """Lines of a file, with their numbers; a very long one comes in pieces that end between words."""

    def __init__(self, file: BinaryIO) -> None:
        self._stream = io.TextIOWrapper(file, "utf-8-sig", "replace", newline="\n")
        self._pushed = ""
        self._ended = True
        self._length = 0
        self.number = 0
        self.column = 0

    def leave(self) -> None:
        """Leave the file to who has opened it."""
        self._stream.detach()

    def next(self) -> str:
        """Return a line with its end, or as much of it as masking looks at; nothing at the end of the file."""
        line = self._pushed
        if "\n" in line:
            end = line.index("\n") + 1
            line, self._pushed = line[:end], line[end:]
        else:
            line += self._stream.readline(LONGEST - len(line))
            self._pushed = ""
        if len(line) >= LONGEST and not line.endswith("\n"):
            space = line.rfind(" ", LONGEST - _LONGEST_WORD) + 1
            line, self._pushed = line[: space or LONGEST], line[space or LONGEST :]
        if line:
            self.column = 0 if self._ended else self.column + self._length
            self.number += self._ended
            self._ended, self._length = line.endswith("\n"), len(line)
        return line

    def push(self, lines: str) -> None:
        """Take back what `next` returned."""
        self._pushed = lines + self._pushed
        self.number -= lines.count("\n") + bool(lines and not lines.endswith("\n"))
        self._ended = True

    def to_the_end(self, most: int) -> str:
        """Return what is missing of the line that was returned in part."""
        if self._ended:
            return ""
        rest = self._pushed + self._stream.readline(most)
        self._pushed = ""
        self._ended = rest.endswith("\n")
        return rest

    def skip(self) -> None:
        """Leave out the rest of a line."""
        while not self._ended and (rest := self._stream.readline(LONGEST)):
            self._ended = rest.endswith("\n")

    def rest(self, most: int) -> str:
        """Return all that follows, or a little more than the most."""
        rest = self._pushed + self._stream.read(most + 1)
        self._pushed = ""
        return rest
