"""The headers of an `http.client` request while they wait in its connection: read, and changed before they are sent.

Source: CPython Lib/http/client.py `HTTPConnection.putrequest`, `putheader` (3.10 to 3.14).
"""

from __future__ import annotations

from typing import Any


class Head:
    """The headers of a request that wait in a connection, behind its first line."""

    __slots__ = ("_connection", "_lines")

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - http.client.HTTPConnection
        self._connection = connection
        self._lines: list[bytes] = connection._buffer  # noqa: SLF001 - there is no other way

    @property
    def line(self) -> str:
        """The first line, empty where no request was begun."""
        return self._lines[0].decode("latin-1") if self._lines else ""

    def items(self) -> list[tuple[bytes, bytes]]:
        """Return the headers one by one."""
        return [(name, value.strip()) for name, _, value in [line.partition(b":") for line in self._lines[1:]]]

    def get(self, name: str) -> str | None:
        """Return the value of a header, None where it is not there."""
        wanted = name.lower().encode()
        return next((value.decode("latin-1") for given, value in self.items() if given.lower() == wanted), None)

    def __setitem__(self, name: str, value: str) -> None:
        del self[name]
        self._connection.putheader(name, value)

    def __delitem__(self, name: str) -> None:
        start = name.lower().encode() + b":"
        self._lines[1:] = [line for line in self._lines[1:] if not line.lower().startswith(start)]
