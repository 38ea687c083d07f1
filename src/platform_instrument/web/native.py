"""Servers with requests of their own kind, neither `scope` nor `environ`: each is told as ASGI would tell it.

So what stands in front of an ASGI application, the adapter, probes and request ids, stands in front of these too, and a
request is described in one place. The server's own function is the application; it says itself how it answers.
Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import dressed, unseen
from platform_instrument.runtime import beginning
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.choices import facts_wanted
from platform_instrument.web import captured
from platform_instrument.web.exchange import KEY
from platform_instrument.web.front import Front

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from platform_instrument.web.asgi import Message, Scope, Send
    from platform_instrument.web.exchange import Exchange

    Answer = tuple[int, dict[str, str], bytes]
    """Status, headers by their names in lower case, body."""

NATIVE = "platform_instrument.native"
"""Where the told `scope` has the request, and objects of the server that have room for it."""

SWITCHED = 101
"""The status of an answer after which the connection is no request any more, such as a websocket."""

SERVER_ERROR = 500

_PLACE = "native request"
_with_traceback = BaseException.with_traceback


class Native:
    """One request on its way through a server of its own kind; a server's module says what is special about its own."""

    __slots__ = ("_given", "_send", "answer", "call", "exchange", "failed", "result", "scope", "served")

    def __init__(self, scope: Scope) -> None:
        scope[NATIVE] = self
        self.scope = scope
        self.call: Callable[[], Awaitable[Any]]
        """The server's own function, with its arguments."""
        self.result: Any = None
        """What it returned."""
        self.served = False
        """Whether it was called."""
        self.answer: list[Message] = []
        """What is answered in its place, as messages of ASGI, where it was not called."""
        self.exchange: Exchange | None = None
        """None where the request is not observed, and before it is."""
        self.failed: BaseException | None = None
        """The exception that the server answers."""
        self._given = scope["headers"]
        self._send: Send | None = None

    # --- what a server's module says ------------------------------------------------------------------------------

    def identify(self, name: str, value: str) -> None:
        """Put a header in the place of the client's."""

    def begun(self) -> None:
        """Note what is known before the server's function is called."""

    def complete(self) -> None:
        """Note what is known afterwards."""

    # --- what it is told ------------------------------------------------------------------------------------------

    def starts(self, status: int, headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
        """Note that the answer starts; return the headers that are to be added to its own."""
        if self._send is None:
            return ()
        known = [(name.lower().encode("latin-1"), str(value).encode("latin-1", "replace")) for name, value in headers if _reads()]
        self._send({"type": "http.response.start", "status": status, "headers": known})
        given = self.answer.pop()["headers"]
        return [(name.decode(), value.decode()) for name, value in given[len(known) :]]

    def sent(self, size: int) -> None:
        """Count a part of the answer's body."""
        if self.exchange is not None:
            self.exchange.sent += size

    def received(self, size: int) -> None:
        """Count a part of the request's body."""
        exchange = self.exchange
        if exchange is not None and exchange.expects:
            exchange.received = max(exchange.received, 0) + size

    def fail(self, error: BaseException) -> None:
        """Record an exception that the server is about to answer."""
        self.failed = error
        if self.exchange is not None:
            self.exchange.fail(error)

    def ends(self) -> None:
        """Note that the answer is complete; what follows on the connection of a websocket is no part of it."""
        exchange = self.exchange
        if exchange is None or self._send is None:
            return
        if self.failed is not None:
            exchange.close(self.failed)
        else:
            self._send({"type": "http.response.body"})
            self.answer.clear()
        if exchange.status == SWITCHED:
            exchange.release()

    # --- on its way -----------------------------------------------------------------------------------------------

    def tell(self, message: Message) -> _Done:
        """Take a message: an echo of what the server has said itself, or an answer in its place."""
        self.answer.append(message)
        return _DONE

    def begin(self, send: Send) -> None:
        """Note that the request is for the server's function, and what is observed of it."""
        self._send = send
        self.exchange = self.scope.get(KEY)
        headers = self.scope["headers"]
        if headers is not self._given:  # an id was made
            self.identify(headers[-1][0].decode(), headers[-1][1].decode())
        self.begun()


class _Done:
    """What is awaited where nothing is sent."""

    def __await__(self) -> Iterator[None]:
        return iter(())


_DONE = _Done()


class _Observed:
    """The application that requests of all such servers are told to, made when the first server begins."""

    application: Any = None
    reads = False
    """Whether ids of requests are put into the headers of answers."""


def serving() -> None:
    """Be ready to observe: a server begins to serve."""
    if _Observed.application is None:
        running = pipeline.PIPELINE
        _Observed.reads = running is not None and facts_wanted(running.settings)
        beginning.serving()
        _Observed.application = Front.asgi(_application)
    Front.loaded()


def _reads() -> bool:
    """Say whether the headers of answers are of interest."""
    return _Observed.reads or captured.Wanted.response is not None


@unseen
def observing(
    serve: Callable[..., Awaitable[Any]],
    tell: Callable[..., Native | None],
    answer: Callable[..., Awaitable[Any]],
) -> Callable[..., Any]:
    """Return a server's coroutine function that serves one request, under observation.

    `tell(*arguments)` returns what the request is told as, None where it is not to be observed; `answer((status, headers,
    body), serve, *arguments)` gives an answer in the place of the function's own.
    """

    async def observed(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the server's
        native = guard(_PLACE, _told, tell, arguments)
        try:
            if native is None:
                return await serve(*arguments, **named)
            native.call = partial(serve, *arguments, **named)
            await _Observed.application(native.scope, _nothing, native.tell)
            if not native.served:
                given = guard(_PLACE, _answered, native)
                return await (serve(*arguments, **named) if given is None else answer(given, serve, *arguments))
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        return native.result

    return dressed(observed, serve)


@unseen
async def _application(scope: Scope, _receive: object, send: Send) -> None:
    """Call the server's own function."""
    native: Native = scope[NATIVE]
    native.served = True
    guard(_PLACE, native.begin, send)
    try:
        native.result = await native.call()
    except BaseException as error:
        _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
        raise
    finally:
        guard(_PLACE, native.complete)


async def _nothing() -> Message:
    return {"type": "http.request", "body": b""}


def _told(tell: Callable[..., Native | None], arguments: tuple[Any, ...]) -> Native | None:
    if _Observed.application is None:
        serving()
    return tell(*arguments)


def _answered(native: Native) -> Answer:
    start, last = native.answer
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, last["body"]
