"""`platform-instrument audit`: what masking would hide in captured logs and telemetry, and where it is."""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from platform_instrument.cli.captured import Capture
from platform_instrument.cli.output import put
from platform_instrument.config.read import read
from platform_instrument.privacy import find, mask, mask_attribute, pii, sanitize_sql
from platform_instrument.privacy.database_messages import mask_database_message
from platform_instrument.privacy.labels import LABEL
from platform_instrument.telemetry.masking import put_in_force

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from platform_instrument.cli.captured import Piece, Problem

_USAGE = """usage: platform-instrument audit [--json] FILE ...

Reads captured output (lines of text, also JSON) or telemetry (OTLP JSON: one document, or one a line) and prints what
would be masked: where, of which kind, and the text as it would leave, never the value. FILE may be compressed by gzip;
- is standard input. The settings of this environment hold.
Ends with 0 where nothing would be masked, with 1 where something would, with 2 where a file cannot be read.
"""

SQL = "sql"
"""The kind of what a statement, or the message of a database, quotes."""

_STATEMENTS = ("db.query.text", "db.statement")
_LABEL = re.compile(LABEL)
_REDACTED = re.compile(r"REDACTED(?::REDACTED)?(@?)")
_BEFORE, _SHOWN = 60, 160


class Exposure(NamedTuple):
    """What would be masked in one place: a kind, how many times, and the text around it as it would leave."""

    kind: str
    times: int
    column: int
    """In a line, counted from 1; 0 in a document."""
    masked: str


def audit(arguments: list[str]) -> int:
    """Print what would be masked; return the exit code."""
    if arguments in (["-h"], ["--help"]):
        put(_USAGE)
        return 0
    as_json = arguments[:1] == ["--json"]
    names = arguments[1:] if as_json else arguments
    named = names[:1] == ["--"]
    names = names[1:] if named else names
    if not names or (not named and any(name.startswith("-") and name != "-" for name in names)):
        sys.stderr.write(_USAGE)
        return 2
    _obey(os.environ)
    captures = [Capture(name) for name in names]
    counts: Counter[str] = Counter()
    if as_json:
        put('{"findings": [')
    for capture in captures:
        for piece in capture.pieces():
            for exposure in exposures(piece):
                put(
                    _as_json(capture.name, piece, exposure, first=not counts) if as_json else _line(capture.name, piece, exposure)
                )
                counts[exposure.kind] += exposure.times
    problems = [problem for capture in captures for problem in capture.problems]
    for problem in problems:
        sys.stderr.write(f"platform-instrument: {_said(problem)}\n")
    if as_json:
        put(_end(captures, counts, problems))
    elif any(capture.lines or capture.values for capture in captures) or not problems:
        put(_summary(captures, counts))
    return 2 if problems else 1 if counts else 0


def _obey(environ: Mapping[str, str]) -> None:
    """Mask as a service of this environment does."""
    settings, problems = read(environ)
    for problem in problems:
        if problem.variable.startswith("PLATFORM_MASK"):
            sys.stderr.write(f"platform-instrument: {problem}\n")
    put_in_force(settings)


def exposures(piece: Piece) -> Iterator[Exposure]:
    """Yield what would be masked in a piece."""
    text = piece.text
    masked = mask_attribute(piece.key, text) if piece.key else mask(text)
    if masked == text:
        return
    if piece.key:
        if piece.key in _STATEMENTS and piece.system and sanitize_sql(text, piece.system).text == text:
            return  # double quotes are names there, and hold no literal
        for kind, count in _kinds(text, masked).items():
            yield Exposure(kind, count, 0, _excerpt(masked, _difference(text, masked)[0]))
        return
    quoted = mask_database_message(text)
    start, end = _difference(text, quoted)
    if start < end:
        yield Exposure(SQL, 1, piece.column + start + 1, _excerpt(masked, start))
    moved = 0
    told: Counter[str] = Counter()
    for found in find(text):
        if not start <= found.start < end:
            told[found.kind] += 1
            yield Exposure(found.kind, 1, piece.column + found.start + 1, _excerpt(masked, found.start + moved))
            moved += len(pii.ACTIVE.of(found.kind, text[found.start : found.end])) - (found.end - found.start)
    start, _ = _difference(text, masked)
    for kind, count in (_labels(masked) - _labels(text) - told).items():  # what is known once it is decoded has no place
        yield Exposure(kind, count, piece.column + start + 1, _excerpt(masked, start))


def _kinds(text: str, masked: str) -> Counter[str]:
    """Return how many values of which kinds are in a text no more."""
    kinds = _labels(masked) - _labels(text)
    return kinds or Counter((SQL,))


def _labels(text: str) -> Counter[str]:
    """Return the kinds of what is masked in a text."""
    labels = Counter(label[0].strip("[]").partition(":")[0] for label in _LABEL.finditer(text))
    return labels + Counter("credentials" if redacted[1] else "secret" for redacted in _REDACTED.finditer(text))


def _difference(text: str, other: str) -> tuple[int, int]:
    """Return where a text differs from another: from the first character to the last; nowhere is two equal numbers."""
    start = next((at for at, (one, two) in enumerate(zip(text, other, strict=False)) if one != two), min(len(text), len(other)))
    most = min(len(text), len(other)) - start
    same = next((at for at in range(most) if text[-1 - at] != other[-1 - at]), most)
    return (start, len(text) - same) if text != other else (0, 0)


def _excerpt(masked: str, at: int) -> str:
    """Return what is around a place of a masked text, in characters that can be printed."""
    start = max(0, at - _BEFORE)
    end = start + _SHOWN
    return "..." * bool(start) + _printable(masked[start:end]) + "..." * (end < len(masked))


def _printable(text: str) -> str:
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def _line(file: str, piece: Piece, exposure: Exposure) -> str:
    place = f"{file}:{piece.line}:" + (f" {_printable(mask(piece.path))}: " if piece.key else f"{exposure.column}: ")
    times = f" ({exposure.times} times)" if exposure.times > 1 else ""
    key = f"{_printable(mask(piece.key))}: " if piece.key else ""
    return f"{place}{exposure.kind}{times}: {key}{exposure.masked}\n"


def _as_json(file: str, piece: Piece, exposure: Exposure, *, first: bool) -> str:
    place = {"file": file, "line": piece.line, "column": exposure.column, "path": mask(piece.path), "key": mask(piece.key)}
    found = {**place, "kind": exposure.kind, "count": exposure.times, "masked": exposure.masked}
    return f"{'' if first else ','}\n  {json.dumps(found)}"


def _end(captures: list[Capture], counts: Counter[str], problems: list[Problem]) -> str:
    """Return the rest of the JSON document."""
    rest = {
        "summary": dict(counts.most_common()),
        "read": {"lines": sum(capture.lines for capture in captures), "values": sum(capture.values for capture in captures)},
        "problems": [problem._asdict() for problem in problems],
    }
    return f"{chr(10) if counts else ''}],\n{json.dumps(rest, indent=2)[2:]}\n"


def _summary(captures: list[Capture], counts: Counter[str]) -> str:
    """Return the last line."""
    read = f"{sum(capture.lines for capture in captures)} lines of text and {sum(capture.values for capture in captures)} values"
    found = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    return f"{found or 'nothing'} would be masked; {read} of OTLP were read\n"


def _said(problem: Problem) -> str:
    place = "standard input" if problem.file == "-" else problem.file
    return f"{place}{f':{problem.line}' if problem.line else ''}: {problem.problem}; {problem.remedy}"
