"""aiohttp.web: every request that its server handles, whatever application or plain handler that is made for.

The span lasts from the request's handling to the last byte of its answer, middlewares and the line of its access log included.
A websocket is a request until its handshake is answered. `http.route` is the resource's canonical path, prefixes of
applications that are mounted included.
Source: aiohttp/web_protocol.py `RequestHandler._handle_request`, `handle_error`, aiohttp/web_response.py
`StreamResponse._write_headers`, aiohttp/web_runner.py `BaseRunner.setup` (3.9 to 3.14).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.web.aiohttp_requests import Request, counting
from platform_instrument.web.native import NATIVE, SERVER_ERROR, SWITCHED, observing, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Call, Changes
    from platform_instrument.web.native import Answer


async def answer(given: Answer, handle: Callable[..., Any], protocol: Any, request: Any, start: Any, *_: Any) -> Any:  # noqa: ANN401
    """Have the server send an answer that was given in the place of a handler's."""

    async def handler(_request: Any) -> Any:  # noqa: ANN401 - a response of aiohttp's
        status, headers, body = given
        return sys.modules["aiohttp.web"].Response(status=status, headers=headers, body=body)

    return await handle(protocol, request, start, handler)


def note_error(call: Call) -> None:
    """Record what no handler takes, before aiohttp turns it into an answer."""
    native = call.args[1]._state.get(NATIVE)  # noqa: SLF001 - see above
    error = call.argument(3, "exc") or sys.exc_info()[1]
    if native is not None and error is not None and call.argument(2, "status", SERVER_ERROR) >= SERVER_ERROR:
        native.fail(error)


def note_start(call: Call) -> None:
    """Note the status of an answer whose headers are about to be written."""
    response = call.instance
    native = response._req._state.get(NATIVE)  # noqa: SLF001 - see above
    if native is None:
        return
    for name, value in native.starts(response.status, response.headers.items()):
        response.headers[name] = value
    if response.status == SWITCHED:
        native.note_route()
        native.ends()


def begin(_call: Call, _result: object) -> None:
    """Be ready: a server is about to serve."""
    serving()


def apply(changes: Changes) -> None:
    """Observe the method that handles a request and sends its answer, and count what is written."""
    module = sys.modules["aiohttp.web_protocol"]
    handle = module.RequestHandler._handle_request  # noqa: SLF001 - there is no other place where both are known
    changes.replace(module.RequestHandler, "_handle_request", observing(handle, lambda _, request, *__: Request(request), answer))
    changes.replace(module, "StreamWriter", counting(module.StreamWriter))


INSTRUMENTATION = Instrumentation(
    name="aiohttp_server",
    requires="aiohttp>=3.9,<4",
    patches=(
        Custom("aiohttp.web_protocol", apply),
        EditCall("aiohttp.web_protocol:RequestHandler.handle_error", note_error),
        EditCall("aiohttp.web_response:StreamResponse._write_headers", note_start),
        EditResult("aiohttp.web_runner:BaseRunner.setup", begin),
    ),
    modules=("aiohttp.web",),
)
