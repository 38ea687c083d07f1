"""What a server does about a request after it has let it go, such as its access log: the request's span is current again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.engine.during import during
from platform_instrument.telemetry.context import CURRENT, SERVED
from platform_instrument.web.exchange import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Changes
    from platform_instrument.telemetry.span import Span


def within(changes: Changes, owner: Any, name: str, span_of: Callable[..., Span | None]) -> None:  # noqa: ANN401 - a class
    """Have a method run inside the span that `span_of(*its positional arguments)` returns, if any."""
    during(changes, owner, name, CURRENT, span_of)


def span_of_environ(environ: Any) -> Span | None:  # noqa: ANN401 - a mapping, where the server has one by then
    """Return the span of the request that an `environ` or a `scope` is of, over already or not."""
    exchange = environ.get(KEY) if isinstance(environ, dict) else None
    return None if exchange is None else exchange.span


def span_of_holder(holder: Any, *_: object) -> Span | None:  # noqa: ANN401 - what serves one request
    """Return the span of the request whose `environ` or `scope` this holds."""
    return span_of_environ(getattr(holder, "environ", None) or getattr(holder, "scope", None))


def span_served() -> Span | None:
    """Return the span of the ASGI request that the server's own task has served last."""
    exchange = SERVED.get()
    span: Span | None = None if exchange is None else exchange.span
    return span
