"""What the facts of requests cost, beside the same without them: prints µs of CPU as JSON.

Requests are served without a server, by the ASGI and the WSGI adapter; off and on are measured in turn. A line goes through one
handler of the standard library to a stream that keeps nothing.
"""

import json
from collections.abc import Callable
from typing import Any

from logged import logger, stream
from timing import best_us

from platform_instrument.config.read import read
from platform_instrument.engine import apply
from platform_instrument.instrumentations.std_logging import INSTRUMENTATION
from platform_instrument.telemetry import choices, facts_shown, limits, pipeline, printed, tracer
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.request import set_attributes
from platform_instrument.web.asgi import observe_asgi
from platform_instrument.web.wsgi import observe_wsgi

Message = dict[str, Any]
Take = Callable[..., Any]

ROUNDS = 9
TIMES = 1_000
PLAIN = (tracer.STARTED, printed.current_ids, printed.finished, printed.unsaid)
HEADERS = [(b"host", b"shop"), (b"user-agent", b"x"), (b"accept", b"*/*"), (b"accept-encoding", b"gzip")]


async def receive() -> Message:
    """Return an empty body."""
    return {"type": "http.request"}


async def send(_message: Message) -> None:
    """Take a message."""


def by_asgi(act: Callable[[], object]) -> Callable[[], None]:
    """Return what serves a request that goes well."""

    async def application(_scope: Message, _receive: Take, send: Take) -> None:
        act()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"paid"})

    observed = observe_asgi(application)

    def served() -> None:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": HEADERS, "http_version": "1.1"}
        try:
            observed(scope, receive, send).send(None)  # type: ignore[attr-defined] # a coroutine
        except StopIteration:
            return

    return served


def by_wsgi(act: Callable[[], object]) -> Callable[[], None]:
    """Return the same by WSGI."""

    def application(_environ: Message, start_response: Take) -> list[bytes]:
        act()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"paid"]

    observed = observe_wsgi(application)

    def served() -> None:
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "shop", "wsgi.url_scheme": "http"}
        observed(environ, lambda *_: None)

    return served


def say() -> None:
    """Say whom the request is for."""
    set_attributes(user_id="7", tenant_id="acme")


def line() -> None:
    """Log one line."""
    logger.info("order %d accepted for processing in warehouse %s", 17, "north")


def line_us() -> float:
    """Return the time of a line within a request."""
    taken: list[float] = []

    def act() -> None:
        say()
        taken.append(best_us(line, TIMES))

    by_wsgi(act)()
    assert CURRENT.get() is None
    return min(taken)


def under(environ: dict[str, str], act: Callable[[], object], *, shown: bool) -> dict[str, float]:
    """Measure under settings, with facts shown or not."""
    tracer.STARTED = PLAIN[0]
    printed.use(*PLAIN[1:])
    facts_shown._Shown.by = None  # noqa: SLF001 - each round begins anew
    pipeline.PIPELINE = running = pipeline.Pipeline(read(environ)[0])
    running.ended = limits.ENDED = lambda _span: None  # type: ignore[method-assign] # nobody delivers
    choices.put_in_force(running.settings)
    if shown:
        facts_shown.put_in_force()
    return {"asgi": best_us(by_asgi(act), TIMES), "wsgi": best_us(by_wsgi(act), TIMES)}


def lines(*, shown: bool) -> float:
    """Measure a line with facts, or with ids alone."""
    under({}, list, shown=shown)
    apply.install(INSTRUMENTATION)
    if not shown:
        facts_shown._Shown.by = pipeline.PIPELINE  # noqa: SLF001 - as if there were none to show
    try:
        return line_us()
    finally:
        apply.uninstall("logging")


def once() -> dict[str, float]:
    """Measure each of them once."""
    found: dict[str, float] = {}
    ways: dict[str, tuple[dict[str, str], Callable[[], object], bool]] = {
        "off": ({}, list, False),
        "id": ({"PLATFORM_REQUEST_ID": "true"}, list, True),
        "headers": ({"PLATFORM_SPAN_ATTRIBUTES_FROM_HEADERS": "user-agent,accept"}, list, True),
        "said": ({}, say, True),
    }
    for name, (environ, act, shown) in ways.items():
        found |= {f"{name} {kind}": took for kind, took in under(environ, act, shown=shown).items()}
    found["line off"], found["line on"] = lines(shown=False), lines(shown=True)
    assert stream.last.endswith(" user.id=7 tenant.id=acme\n")
    return found


rounds = [once() for _ in range(ROUNDS)]
least = {key: min(each[key] for each in rounds) for key in rounds[0]}
pairs = {
    f"{name} {kind}": [least[f"{name} {kind}"], least[f"off {kind}"]]
    for name in ("id", "headers", "said")
    for kind in ("asgi", "wsgi")
}
print(json.dumps({**pairs, "line": [least["line on"], least["line off"]]}))
