"""What was found in a text: where it is, and of which kind."""

from __future__ import annotations

from typing import NamedTuple


class Found(NamedTuple):
    """A value that is not to leave: where it is in the text, in characters, and of which kind."""

    start: int
    end: int
    kind: str
