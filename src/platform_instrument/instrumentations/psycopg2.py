"""psycopg2: statements of every connection that `psycopg2.connect` makes, also with factories of the application's.

Its classes are C code and cannot be patched, so connections and cursors are made by subclasses. For a factory's class the
observed one is put between it and the library's, where `super()` finds it. A factory that is a function makes what it makes:
of its connections the plain ones have observed cursors.
Span: `db.query.summary`. Metrics: of operations, and of connection pools (`psycopg2_pool`).
Source: https://opentelemetry.io/docs/specs/semconv/database/postgresql/ (version 1.37.0);
psycopg/connection_type.c `psyco_conn_cursor`, lib/__init__.py `connect` (2.9).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.engine.subclasses import Subclasses, subclass, with_argument
from platform_instrument.instrumentations.psycopg2_cursor import CONNECTION, CURSOR, EXTRAS
from platform_instrument.instrumentations.psycopg2_pool import POOLED
from platform_instrument.runtime import leaving

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_FACTORY = 1, "connection_factory"


class _Observed:
    """The observed classes of connections and cursors."""

    current: _Observed | None = None

    def __init__(self, changes: Changes) -> None:
        library = sys.modules["psycopg2.extensions"]
        self._classes = Subclasses()
        self._plain = library.connection
        self.cursor = subclass(library.cursor, {})
        for patch in CURSOR:
            changes.observe(self.cursor, patch)
        make_cursor = with_argument(library.connection.cursor, 1, "cursor_factory", self._cursor_factory, "psycopg2 cursor")
        self.connection = subclass(library.connection, {"cursor": make_cursor})
        for patch in CONNECTION:
            changes.observe(self.connection, patch)

    def factory(self, given: Any) -> Any:  # noqa: ANN401 - a class, a function, or None
        """Return the factory that makes observed connections; a function is left alone."""
        return self._classes.between(self._plain if given is None else given, self.connection)

    def adopt(self, connection: Any) -> None:  # noqa: ANN401 - what a factory has made
        """Let a plain connection make observed cursors."""
        if type(connection).cursor is self._plain.cursor:
            connection.cursor_factory = self._cursor_factory(connection, None)

    def _cursor_factory(self, connection: Any, given: Any) -> Any:  # noqa: ANN401 - as above
        wanted = connection.cursor_factory if given is None else given
        return self._classes.between(self.cursor.__base__ if wanted is None else wanted, self.cursor)


def make_classes(changes: Changes) -> None:
    """Have the observed classes ready for `observed_factory`."""
    _Observed.current = _Observed(changes)
    leaving.LET_GO.append(lambda: setattr(_Observed, "current", None))


def observed_factory(call: Call) -> None:
    """Let the connection be made by an observed class."""
    if _Observed.current is not None:
        call.put(*_FACTORY, _Observed.current.factory(call.argument(*_FACTORY)))


def made(_call: Call, connection: Any) -> None:  # noqa: ANN401 - psycopg2.extensions.connection, or what a factory makes
    """Have the cursors of a connection observed that a function has made."""
    if _Observed.current is not None:
        _Observed.current.adopt(connection)


INSTRUMENTATION = Instrumentation(
    name="psycopg2",
    requires="psycopg2-binary>=2.9,<3",
    patches=(
        Custom("psycopg2.extensions", make_classes),
        EditCall("psycopg2:_connect", observed_factory),
        EditResult("psycopg2:_connect", made),
        *EXTRAS,
        *POOLED,
    ),
    family=families.DB_CLIENT,
    modules=("psycopg2",),
)
