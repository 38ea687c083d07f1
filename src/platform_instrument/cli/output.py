"""What our own commands print: whole, in whatever encoding, and quietly cut where the reader has had enough."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def put(text: str) -> None:
    """Write a text to standard output; a reader such as `head` may leave before the end."""
    stream = sys.stdout
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # for the flush at exit


def columns(table: Sequence[Sequence[str]], *, indent: str = "  ") -> str:
    """Return rows with their cells below each other; the last cell of a row is not padded."""
    widths = [
        max((len(row[at]) for row in table if at < len(row) - 1), default=0) for at in range(max(map(len, table), default=0))
    ]
    lines = []
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        lines.append(indent + "  ".join([*cells, row[-1]]).rstrip() + "\n")
    return "".join(lines)
