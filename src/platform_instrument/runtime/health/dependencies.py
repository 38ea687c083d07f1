"""What this process depends on, by the clients that its libraries were seen to make: held weakly, named, asked over one of them.

Clients of one system, host and database are one dependency. It is asked over a client that has a connection to spare, and not
at all where its operations have succeeded since it was last looked at. No pool is kept from its last connection, no limit of one
exceeded: where all are in use, and nothing succeeds, the server is knocked at. A dependency is gone with its last client.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.runtime.health.attempts import Question
from platform_instrument.runtime.health.checked import Checked
from platform_instrument.runtime.health.checker import CHECKER
from platform_instrument.runtime.health.knocking import can_knock, knock
from platform_instrument.runtime.health.registration import running_loop
from platform_instrument.runtime.health.traffic import Place, Traffic
from platform_instrument.semantics.pools import pool_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.config.schema import Settings
    from platform_instrument.core.values import Changes
    from platform_instrument.semantics.database import Database

BUSY = "all of its connections are in use"
NO_LOOP = "its client was not used yet, and no event loop is known"

MATCHED: set[str] = set()
"""What of the critical list stands for something."""

_MOST_DEPENDENCIES = 100
_ALIASES = {"postgres": "postgresql"}

_clients: dict[int, Client] = {}
"""By the identity of what stands for each."""
_dependencies: dict[str, Dependency] = {}


class Clients:
    """The clients of one library.

    `ask(client, seconds)` asks the server, in a thread or on the client's event loop, and raises where it does not answer well.
    `room(client)` says whether a connection can be spared for that; None where the client is closed for good.
    """

    __slots__ = ("asks", "asks_soon", "name", "room")

    def __init__(
        self,
        name: str,
        room: Callable[[Any], bool | None],
        ask: Callable[[Any, float], object] | None = None,
        ask_soon: Callable[[Any, float], object] | None = None,
    ) -> None:
        self.name = name
        self.room = room
        self.asks = ask
        self.asks_soon = ask_soon

    def watch(self, changes: Changes) -> None:
        """Depend on nothing of this library once the instrumentation is undone."""
        changes.on_undo(self._stop)

    def found(  # noqa: PLR0913 - what a client is
        self,
        client: Any,  # noqa: ANN401 - of the library
        system: str,
        where: Database | Place | None,
        *,
        name: str = "",
        asynchronous: bool = False,
        mark: Any = None,  # noqa: ANN401 - what stands for the client where its loop is told
        loop: Any = None,  # noqa: ANN401 - the event loop it belongs to
    ) -> None:
        """Take a client that was made; `where` is what it is connected to, as far as that is known before it connects."""
        told = name or ("" if where is None else where.name if isinstance(where, Place) else pool_name(where))
        called = system if told in {"", system} else f"{system} {told}"
        key = id(client if mark is None else mark)
        known = _clients.get(key)
        if known is not None and known.of() is client:
            return
        found = Client(self, client, partial(_forget, key), asynchronous=asynchronous)
        if _join(found, called, system, where):
            _clients[key] = found
            at_home(client if mark is None else mark, loop)

    def _stop(self) -> None:
        for key, client in _clients.copy().items():
            if client.library is self:
                _forget(key)


class Client:
    """One client, held weakly, as is its event loop."""

    __slots__ = ("__weakref__", "asynchronous", "dependency", "library", "loop", "of")

    def __init__(self, library: Clients, client: Any, gone: Callable[[], None], *, asynchronous: bool) -> None:  # noqa: ANN401
        self.library = library
        self.of = ref(client, lambda _: gone())
        self.asynchronous = asynchronous
        self.loop: ref[Any] | None = None
        self.dependency: Dependency | None = None

    def question(self, seconds: float) -> Question | str | None:
        """Return how it is asked, why it cannot be, or None where it is no more."""
        client = self.of()
        room = None if client is None else guard(f"{self.library.name} room", self.library.room, client)
        if room is None:
            return None
        if not room:
            return BUSY
        if not self.asynchronous:
            return Question(partial(self.library.asks, client, seconds)) if self.library.asks is not None else None
        loop = self.loop() if self.loop is not None else None
        if loop is None or loop.is_closed():
            loop = CHECKER.loop or loop  # the one that it was made on was for that
        if loop is None or self.library.asks_soon is None:
            return NO_LOOP
        return Question(partial(self.library.asks_soon, client, seconds), loop)


class Dependency:
    """What some clients are connected to."""

    __slots__ = ("_traffic", "_where", "clients", "name")

    def __init__(self, name: str, where: Database | Place | None) -> None:
        self.name = name
        self._where = where
        self.clients: set[Client] = set()
        self._traffic = Traffic(where)

    def ask(self, seconds: float) -> Question | bool | str:
        """Return how it is asked, True where its operations succeed without that, or why it cannot be asked."""
        if self._traffic.flows():
            return True
        why, closed = "", None
        for client in self.clients.copy():  # one may be collected meanwhile
            question = client.question(seconds)
            if question is None:
                _leave(client)
            elif isinstance(question, str):
                why = question if why != BUSY else why
            elif question.loop is None or not question.loop.is_closed():
                return question
            else:
                closed = question
        if why == BUSY and self._where is not None and can_knock(self._where):
            return Question(partial(knock, self._where, seconds))
        return closed or why or NO_LOOP

    def gone(self) -> bool:
        """Say whether there is no client left, and forget it then."""
        if self.clients:
            return False
        if _dependencies.get(self.name) is self:
            del _dependencies[self.name]
        return True


def spare(used: int, most: int | None, *, waits: bool = True) -> bool:
    """Say whether a pool can spare a connection: it rests, or has more than a quarter left, and more than the last one.

    `waits` says that who finds none waits for one; else it is an error, and a pool of one is left alone.
    """
    return most is None or (waits and not used) or most - used > max(1, most // 4)


def at_home(mark: Any, loop: Any = None) -> None:  # noqa: ANN401 - what stands for a client, an event loop
    """Note on which event loop a client has its connections: the one that runs, where none is given."""
    client = _clients.get(id(mark))
    loop = loop or running_loop()
    if client is not None and client.asynchronous and loop is not None:
        client.loop = ref(loop)


def lose(mark: Any) -> None:  # noqa: ANN401 - what stands for a client
    """Depend on a client no more: it is a detail of another one."""
    _forget(id(mark))


def is_critical(settings: Settings, name: str, system: str, where: Database | Place | None) -> bool:
    """Say whether a dependency is a gate: all are, or it is listed by system, host, port or database."""
    if settings.readiness == "gate":
        return True
    names = {name, system}
    if where is not None and where.address:
        host = f"{system}:{where.address}"
        names |= {host, f"{host}:{where.port}", f"{host}/{where.namespace}", f"{host}:{where.port}/{where.namespace}"}
    known = {each.lower() for each in names}
    found = [item for item in settings.readiness_critical if _spelt(item) in known]
    MATCHED.update(found)
    return bool(found)


def _spelt(item: str) -> str:
    system, colon, rest = item.lower().partition(":")
    return f"{_ALIASES.get(system, system)}{colon}{rest}"


def _join(client: Client, name: str, system: str, where: Database | Place | None) -> bool:
    """Make a client one of its dependency's, which begins with its first; False where there are too many."""
    if len(_dependencies) >= _MOST_DEPENDENCIES and name not in _dependencies:
        say(f"this process depends on more than {_MOST_DEPENDENCIES} servers; further ones are not checked", place="dependencies")
        return False
    made = Dependency(name, where)
    while True:
        dependency = client.dependency = _dependencies.setdefault(name, made)
        dependency.clients.add(client)
        if _dependencies.get(name) is dependency:  # else it was forgotten just now
            break
    if dependency is not made:
        return True
    settings = CHECKER.settings
    critical = is_critical(settings, name, system, where)
    return CHECKER.add(Checked(name, made.ask, settings, kind=system, critical=critical, gone=made.gone))


def _forget(key: int) -> None:
    """Depend on a client no more; it may be in the middle of anything."""
    client = _clients.pop(key, None)
    if client is not None:
        _leave(client)


def _leave(client: Client) -> None:
    if client.dependency is not None:
        client.dependency.clients.discard(client)
        CHECKER.wake()
