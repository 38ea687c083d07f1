"""The headers of requests of the standard library's clients before they are sent: read, and changed where they are kept.

Source: CPython Lib/http/client.py `HTTPConnection.putrequest`, `putheader`, Lib/urllib/request.py `Request` (3.10 to 3.14).
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any


class Head(MutableMapping[str, str]):
    """Those of `http.client`, which wait in the connection behind the first line; names may be written in any case."""

    __slots__ = ("_connection", "_lines")

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - http.client.HTTPConnection
        self._connection = connection
        self._lines: list[bytes] = connection._buffer  # noqa: SLF001 - there is no other way

    @property
    def line(self) -> str:
        """The first line, empty where no request was begun."""
        return self._lines[0].decode("latin-1") if self._lines else ""

    def items(self) -> Any:  # noqa: ANN401 - pairs, repeated headers each
        """Return the headers one by one."""
        split = [line.decode("latin-1").partition(":") for line in self._lines[1:]]
        return [(name, value.strip()) for name, _, value in split]

    def __getitem__(self, name: str) -> str:
        wanted = name.lower()
        for given, value in self.items():
            if given.lower() == wanted:
                return str(value)
        raise KeyError(name)

    def __setitem__(self, name: str, value: str) -> None:
        del self[name]
        self._connection.putheader(name, value)

    def __delitem__(self, name: str) -> None:
        start = name.lower().encode() + b":"
        self._lines[1:] = [line for line in self._lines[1:] if not line.lower().startswith(start)]

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self.items()])

    def __len__(self) -> int:
        return len(self._lines) - 1


class RequestHead(MutableMapping[str, str]):
    """Those of `urllib.request`, which writes their names as `Content-type`."""

    __slots__ = ("_request",)

    def __init__(self, request: Any) -> None:  # noqa: ANN401 - urllib.request.Request
        self._request = request

    def items(self) -> Any:  # noqa: ANN401 - pairs
        """Return the headers one by one."""
        return self._request.header_items()

    def __getitem__(self, name: str) -> str:
        value: str | None = self._request.get_header(name.capitalize())
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self.items()])

    def __len__(self) -> int:
        return len(self.items())

    def __setitem__(self, name: str, value: str) -> None:
        self._request.add_unredirected_header(name, value)

    def __delitem__(self, name: str) -> None:
        self._request.remove_header(name.capitalize())
