"""When a program is loaded that nobody says so of: one that is no server, or one whose server says nothing of its start.

uvicorn and gunicorn say when, and a lifespan does. A program that has none of the servers we know of imported is loaded
when we begin to answer; another one that has not begun to serve after half a minute is no server, or one that is silent.
"""

from __future__ import annotations

import os
import sys
from time import monotonic
from typing import Any

from platform_instrument.runtime import uwsgi

SERVERS = ("uvicorn", "gunicorn", "hypercorn", "granian", "daphne", "waitress")
_SAYING = ("uvicorn", "gunicorn")
_PATIENCE = 30.0
_CHILD = "from multiprocessing."


class Loading:
    """Says whether what runs in this process is loaded by now, as far as it can be told from outside."""

    def __init__(self) -> None:
        self._until = monotonic() + _PATIENCE
        self._says = _is_said()

    def presumed(self) -> bool:
        """Say whether the program can be taken for loaded."""
        embedder = uwsgi.server()
        if embedder is not None:
            return _loaded_by(embedder)
        if not any(name in sys.modules for name in SERVERS):
            return True
        return not self._says and monotonic() >= self._until and not supervises()

    @property
    def moment(self) -> float:
        """When it is worth asking again, on the clock of `time.monotonic`."""
        return monotonic() + 1.0 if uwsgi.server() is not None else max(self._until, monotonic() + 1.0)


def _is_said() -> bool:
    """Say whether the program is a server that says when it is loaded, or the worker of one, by its command line."""
    command = getattr(sys, "orig_argv", sys.argv)[1:]
    programs = [os.path.basename(word).removesuffix(".py") for word in (*command[:3], *sys.argv[:1])]  # noqa: PTH119 - pathlib is heavy
    return any(name in programs for name in _SAYING) or any(word.startswith(_CHILD) for word in command)


def supervises() -> bool:
    """Say whether this process has children of multiprocessing, as uvicorn's parent has."""
    process = sys.modules.get("multiprocessing.process")
    return bool(process is not None and getattr(process, "_children", ()))


def _loaded_by(embedder: Any) -> bool:  # noqa: ANN401 - the module `uwsgi`
    """Say whether uWSGI has loaded an application in this worker. Source: uWSGI 2.0, `uwsgi.workers()`."""
    number = embedder.worker_id()
    return bool(number and embedder.workers()[number - 1].get("apps"))
