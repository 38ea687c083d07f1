"""What a WSGI application reads from and writes to besides its body: `wsgi.input` and the `write` of `start_response`.

Source: PEP 3333, "Input and Error Streams" and "The write() Callable".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import unseen
from platform_instrument.web.sizes import size_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.web.exchange import Exchange

_PLACE = "wsgi bytes"
_OTHER_READS = frozenset(("readinto", "read1"))
"""Methods that some servers' inputs have, too."""
_with_traceback = BaseException.with_traceback


def _reading(name: str) -> Callable[..., Any]:
    """Return a method that does what the server's does, and counts what it returns."""

    def reading(self: CountedInput, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - what the server's takes and returns
        try:
            found = getattr(self._input, name)(*arguments, **options)
        except BaseException as error:
            guard(_PLACE, _received, self._exchange, None)
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        guard(_PLACE, _received, self._exchange, found)
        return found

    reading.__name__ = name
    return unseen(reading)


class CountedInput:
    """`wsgi.input` as its server made it, but that what is read from it is counted; so are its lines, by their iterator."""

    __slots__ = ("_exchange", "_input")

    def __init__(self, source: Any, exchange: Exchange) -> None:  # noqa: ANN401 - the server's
        self._input = source
        self._exchange = exchange

    def __iter__(self) -> CountedInput:
        return CountedInput(iter(self._input), self._exchange)

    __next__ = _reading("__next__")
    read = _reading("read")
    readline = _reading("readline")
    readlines = _reading("readlines")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the server's
        found = getattr(self._input, name)
        return _reading(name).__get__(self) if name in _OTHER_READS else found


def _received(exchange: Exchange, found: Any) -> None:  # noqa: ANN401 - bytes, lines, how many bytes, or nothing
    """Count what was read; an application that got nothing has asked, too."""
    if isinstance(found, int):
        size = found
    elif isinstance(found, list):
        size = sum([size_of(line) for line in found])
    else:
        size = size_of(found)
    exchange.received = max(exchange.received, 0) + size


@unseen
def counted_write(exchange: Exchange, write: Callable[[bytes], Any], data: bytes) -> Any:  # noqa: ANN401 - the server's
    """Write as the server's `write` does, and count."""
    exchange.sent += size_of(data)
    try:
        return write(data)
    except BaseException as error:
        _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
        raise
