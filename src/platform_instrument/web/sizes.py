"""How many bytes parts, files and declared lengths stand for: pure, total, no byte is read or copied.

Sources: PEP 3333 (`wsgi.file_wrapper`); ASGI extensions `http.response.pathsend` and `http.response.zerocopysend`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN = -1
"""The size of a body of which nobody said anything."""

_LONGEST_LENGTH = 18
_FILES = ("filelike", "file")
"""Where the file wrappers of servers keep the file: wsgiref's and gunicorn's, werkzeug's and waitress's."""


def size_of(part: Any) -> int:  # noqa: ANN401 - what an application says is bytes
    """Return the bytes of a part of a body; 0 where it is none, which its server is going to refuse."""
    if isinstance(part, (bytes, bytearray)):
        return len(part)
    return part.nbytes if isinstance(part, memoryview) else 0


def declared_length(text: Any) -> int:  # noqa: ANN401 - `Content-Length` as str or bytes, or None
    """Return what `Content-Length` says, `UNKNOWN` where it says nothing."""
    return int(text) if text and text.isdigit() and text.isascii() and len(text) <= _LONGEST_LENGTH else UNKNOWN


def size_of_path(message: Mapping[str, Any]) -> int:
    """Return the size of the file that a `http.response.pathsend` names."""
    try:
        return os.stat(message["path"]).st_size  # noqa: PTH116 - a path object costs more than the call
    except (OSError, KeyError):
        return 0


def size_of_copy(message: Mapping[str, Any]) -> int:
    """Return how much of a file a `http.response.zerocopysend` sends: `count` from `offset`, or from where the file stands."""
    try:
        file = message["file"]
        number = file if isinstance(file, int) else file.fileno()
        offset = message.get("offset")
        left = os.fstat(number).st_size - (os.lseek(number, 0, os.SEEK_CUR) if offset is None else offset)
    except (OSError, KeyError, AttributeError):
        return 0
    count = message.get("count")
    return max(left if count is None else min(left, count), 0)


class WrappedFile:
    """The file in a server's file wrapper: made before it is sent, asked before it is closed."""

    __slots__ = ("_began", "_file")

    def __init__(self, wrapper: Any) -> None:  # noqa: ANN401 - the server's
        self._file: Any = next((getattr(wrapper, name) for name in _FILES if hasattr(wrapper, name)), None)
        self._began = self._position()

    def _position(self) -> int:
        try:
            position = self._file.tell()
        except (AttributeError, OSError, ValueError):
            return UNKNOWN
        return position if isinstance(position, int) else UNKNOWN

    def sent(self) -> int:
        """Return how much was sent: how far it was read, or all that was left where `sendfile` does not move its position."""
        began, now = self._began, self._position()
        if began < 0 or now < began:
            return 0
        if now > began:
            return now - began
        try:
            return max(os.fstat(self._file.fileno()).st_size - began, 0)
        except (AttributeError, OSError, ValueError):
            return 0
