"""A trace as a tree that people read: nesting, durations, status, and what was asked of whom.

It knows records, not spans, so that it draws what this process ended and what a collector received alike.
"""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.door import mask_attribute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from platform_instrument.telemetry.span import Span

KINDS = ("", "", "server", "client", "producer", "consumer")
"""Kinds as they are shown, by OTLP's number; an internal span needs no word."""

_TOLD = (
    "db.system.name",
    "db.query.text",
    "messaging.destination.name",
    "url.full",
    "url.path",
    "http.response.status_code",
    "db.response.status_code",
    "rpc.response.status_code",
    "error.type",
)
"""The attributes that are shown, in this order."""

_ERROR = 2
_MOST_LINES = 200
_MOST_DEPTH = 24
_WIDEST_NAME = 60
_WIDEST_DETAILS = 160

_BOX = ("├─ ", "└─ ", "│  ", "…")
_ASCII = ("+- ", "`- ", "|  ", "...")


class Line:
    """One span as it is drawn: ids are integers, times nanoseconds, `status` is "" or "ERROR"."""

    __slots__ = (
        "details",
        "end_ns",
        "kind",
        "name",
        "parent_id",
        "service",
        "span_id",
        "start_ns",
        "status",
        "trace_id",
    )

    def __init__(  # noqa: PLR0913 - the fields of a line
        self,
        *,
        name: str,
        kind: int,
        trace_id: int,
        span_id: int,
        parent_id: int,
        start_ns: int,
        end_ns: int,
        status: str,
        service: str,
        details: str,
    ) -> None:
        self.name = name
        self.kind = kind
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent_id = parent_id
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.status = status
        self.service = service
        self.details = details


def line(span: Span, service: str) -> Line:
    """Return the line of a span that has ended, masked."""
    constant = span.operation.attributes if span.operation is not None else {}
    return Line(
        name=str(mask_attribute("span.name", span.name)),
        kind=span.kind_code,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        status="ERROR" if span.status_code == _ERROR else "",
        service=service,
        details=describe({**constant, **(span.own_attributes or {})}),
    )


def describe(attributes: Mapping[str, Any]) -> str:
    """Return what the attributes of a span say it did, masked: system, statement or URL, status, error."""
    told = ((key, attributes[key]) for key in _TOLD if key in attributes)
    return " ".join(filter(None, (str(mask_attribute(key, value)) for key, value in told)))


def render_trace(spans: Sequence[Line], *, encoding: str | None = None) -> str:
    """Draw the spans of one trace, earliest first; a span whose parent is not among them stands as a root and says so.

    At most 200 lines of bounded width, in characters of `encoding` (standard output's by default): box drawing where
    it has them.
    """
    encoding = encoding or getattr(sys.stdout, "encoding", None) or "utf-8"
    signs = _BOX if _can_write("".join(_BOX), encoding) else _ASCII
    shown = [_row(span, indent, caller, signs) for span, indent, caller in islice(_walk(spans, signs), _MOST_LINES)]
    names = max((len(row[0]) for row in shown), default=0)
    kinds = max((len(row[1]) for row in shown), default=0)
    times = max((len(row[2]) for row in shown), default=0)
    text = [_title(spans)]
    for name, kind, duration, rest in shown:
        text.append(f"{name:<{names}}  {kind:<{kinds}}  {duration:>{times}}  {rest}".rstrip())
    if len(spans) > len(shown):
        text.append(f"{signs[3]} {len(spans) - len(shown)} more spans")
    return "\n".join(text).encode(encoding, "backslashreplace").decode(encoding) + "\n"


def _walk(spans: Sequence[Line], signs: Sequence[str]) -> Iterator[tuple[Line, str, Line | None]]:
    """Yield each span once, with its indentation and its parent: depth first, siblings by start."""
    known = {span.span_id for span in spans}
    children: dict[int, list[Line]] = {}
    roots: list[Line] = []
    for span in sorted(spans, key=lambda span: span.start_ns):
        (children.setdefault(span.parent_id, []) if span.parent_id in known else roots).append(span)
    while roots or children:
        if not roots:  # what is left are spans that name each other as parents
            roots = children.pop(next(iter(children)))
        yield from _descend(roots, children, signs)
        roots = []


def _descend(roots: list[Line], children: dict[int, list[Line]], signs: Sequence[str]) -> Iterator[tuple[Line, str, Line | None]]:
    """Walk without recursion, since a trace may be deeper than the stack; takes the lists that it shows."""
    branch, last, along, _ = signs
    blank = " " * len(along)
    waiting: list[tuple[Line, str, str, Line | None]] = [(span, "", "", None) for span in reversed(roots)]
    while waiting:
        span, indent, below, caller = waiting.pop()
        yield span, indent, caller
        below = below if len(below) < _MOST_DEPTH * len(along) else below[: -len(along)]
        for position, child in enumerate(reversed(children.pop(span.span_id, []))):
            waiting.append((child, below + (branch if position else last), below + (along if position else blank), span))


def _row(span: Line, indent: str, caller: Line | None, signs: Sequence[str]) -> tuple[str, str, str, str]:
    """Return the cells of a span: name in the tree, kind, duration, and the rest of the line."""
    service = f"[{span.service}] " if span.service and (caller is None or caller.service != span.service) else ""
    remote = f"(parent {span.parent_id:016x} is elsewhere)" if caller is None and span.parent_id else ""
    rest = (span.status, _one_line(span.details, _WIDEST_DETAILS, signs[3]), remote)
    kind = KINDS[span.kind] if 0 <= span.kind < len(KINDS) else ""
    duration = f"{max(span.end_ns - span.start_ns, 0) / 1e6:.2f} ms"
    name = indent + _one_line(service + span.name, _WIDEST_NAME, signs[3])
    return name, kind, duration, "  ".join(filter(None, rest))


def _title(spans: Iterable[Line]) -> str:
    """Return the first line: which trace, how many spans, how long from the first start to the last end."""
    lines = list(spans)
    if not lines:
        return "no spans"
    seconds = (max(span.end_ns for span in lines) - min(span.start_ns for span in lines)) / 1e9
    count = "1 span" if len(lines) == 1 else f"{len(lines)} spans"
    return f"trace {lines[0].trace_id:032x}: {count}, {max(seconds, 0) * 1e3:.2f} ms"


def _one_line(text: str, width: int, ellipsis: str) -> str:
    """Return a text on one line of at most `width` characters, without characters that steer a terminal."""
    start = " ".join(text[: 4 * width].split())
    start = "".join(character if character.isprintable() else "?" for character in start)
    return start if len(start) <= width and len(text) <= 4 * width else start[: width - len(ellipsis)] + ellipsis


def _can_write(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
