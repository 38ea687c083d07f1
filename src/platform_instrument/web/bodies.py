"""A WSGI body on its way to the server: its parts are counted, and its span lasts until the server closes or drops it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import unseen
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.web.sizes import WrappedFile, size_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from platform_instrument.web.exchange import Exchange

_PLACE = "wsgi body"
_with_traceback = BaseException.with_traceback


def observed_body(body: Iterable[bytes], exchange: Exchange) -> Iterable[bytes]:
    """Return the body that the server gets; it has a length where the application's has one."""
    return _SizedBody(body, exchange) if hasattr(body, "__len__") else _Body(body, exchange)


def close_with(exchange: Exchange, body: Any) -> None:  # noqa: ANN401 - the server's file wrapper
    """End the exchange when the server closes its file wrapper, which tells how much of the file was sent."""
    close = getattr(body, "close", None)
    file = WrappedFile(body)

    def closing() -> None:
        if not exchange.closed:
            exchange.sent += guard(_PLACE, file.sent) or 0
        try:
            if close is not None:
                close()
        finally:
            guard(_PLACE, exchange.close)

    body.close = closing


class _Body:
    """The request's span is current while the application makes the next part."""

    __slots__ = ("_body", "_exchange", "_iterator")

    def __init__(self, body: Iterable[bytes], exchange: Exchange) -> None:
        self._body = body
        self._iterator: Iterator[bytes] | None = None
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        return self

    @unseen
    def __next__(self) -> bytes:
        previous = CURRENT.get()
        CURRENT.set(self._exchange.span)
        try:
            if self._iterator is None:
                self._iterator = iter(self._body)
            part = next(self._iterator)
            self._exchange.sent += len(part) if type(part) is bytes else size_of(part)
            return part  # noqa: TRY300 - what comes after belongs to the call
        except StopIteration:
            raise
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            guard(_PLACE, self._exchange.close, error)
            raise
        finally:
            CURRENT.set(previous)

    @unseen
    def close(self) -> None:
        """Close the application's body, and end the span."""
        previous = CURRENT.get()
        CURRENT.set(self._exchange.span)
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            guard(_PLACE, self._exchange.close, error)
            raise
        finally:
            CURRENT.set(previous)
            guard(_PLACE, self._exchange.close)

    def __del__(self) -> None:
        """End the span where a server drops the body without closing it, as uvicorn's own bridge to WSGI does."""
        if not self._exchange.closed:
            guard(_PLACE, self._exchange.close)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the application's
        return getattr(self._body, name)


class _SizedBody(_Body):
    """A body whose length a server may ask for."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]
