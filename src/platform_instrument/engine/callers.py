"""Which line of the application's own code made a call: not the library's, not a framework's, not the interpreter's.

Source: https://opentelemetry.io/docs/specs/semconv/registry/attributes/code/ (version 1.37.0).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import platform_instrument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_INSTALLED = tuple([f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages")])
_NOBODY_S = tuple([os.path.dirname(str(module.__file__)) + os.sep for module in (os, platform_instrument)])  # noqa: PTH120
_MAIN = frozenset(("<string>", "<stdin>"))
"""The program of `python -c`, and what is typed; elsewhere these are functions that a library has written."""
_LAYERS = frozenset((
    "MySQLdb", "aiomysql", "aiosqlite", "alembic", "asyncmy", "asyncpg", "databases", "django", "duckdb", "flask_sqlalchemy",
    "greenlet", "mysql", "oracledb", "peewee", "playhouse", "psycopg", "psycopg2", "psycopg_pool", "pymssql", "pymysql", "pyodbc",
    "sqlalchemy", "sqlmodel", "tortoise",
))  # fmt: skip
"""Who stands between an application and its database."""
_MOST_FRAMES = 200
_MOST_FILES = 1_000
_APPLICATION, _LIBRARY, _NOBODY = range(3)

_kinds: dict[str, int] = {}
"""Whose a file is."""


def caller() -> dict[str, Any]:
    """Return file, line and function of the nearest frame of the application's; empty where there is none.

    Where all code is installed, it is the nearest that is none of a database's layers.
    """
    installed = None
    for frame in _frames():
        kind = _kind(frame)
        if kind == _APPLICATION:
            return _described(frame)
        if kind == _LIBRARY and installed is None and _module(frame).partition(".")[0] not in _LAYERS:
            installed = frame
    return {} if installed is None else _described(installed)


def _frames() -> Iterator[FrameType]:
    """Yield the frames from here on outwards; below those of a greenlet, as SQLAlchemy's asyncio has them, its parent's."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - `inspect` would be imported for it
    greenlets: Any = sys.modules.get("greenlet")
    parent = greenlets.getcurrent().parent if greenlets is not None else None
    for _ in range(_MOST_FRAMES):
        if frame is None:
            if parent is None:
                return
            frame, parent = parent.gr_frame, parent.parent
        else:
            yield frame
            frame = frame.f_back


def _kind(frame: FrameType) -> int:
    file = frame.f_code.co_filename
    kind = _kinds.get(file)
    if kind is None:
        if len(_kinds) >= _MOST_FILES:
            _kinds.clear()
        kind = _kinds[file] = _kind_of(file)
    return _NOBODY if kind == _APPLICATION and file in _MAIN and _module(frame) != "__main__" else kind


def _kind_of(file: str) -> int:
    if any(place in file for place in _INSTALLED):
        return _LIBRARY
    generated = file.startswith("<") and file not in _MAIN
    return _NOBODY if generated or file.startswith(_NOBODY_S) else _APPLICATION


def _module(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__")
    return name if isinstance(name, str) else ""


def _described(frame: FrameType) -> dict[str, Any]:
    code = frame.f_code
    return {"code.file.path": code.co_filename, "code.line.number": frame.f_lineno, "code.function.name": code.co_name}
