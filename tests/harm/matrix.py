"""The servers of the matrix: how each is started, with two workers where it has some, and how its workers are replaced."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.processes import HOST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.processes import Service

EACH = 40
"""Requests or tasks after which a worker is replaced, by servers that count them."""


@dataclass(frozen=True)
class Row:
    """A server: its command line, where `PORT` stands for its port, and what is known of it."""

    words: tuple[str, ...]
    workers: int = 1
    """How many processes answer at the same time."""
    masters: bool = False
    """Whether the process that is told to end has others that answer."""
    counts: bool = False
    """Whether it replaces a worker after `EACH` requests."""
    replace: Callable[[Service, Path], None] | None = None
    """Replaces the workers otherwise, given the server and the file that its application is in."""
    dies: bool = False
    """Whether SIGTERM ends the plain server at once: what is answered afterwards is owed to our taking longer, and not all told."""
    kills: bool = False
    """Whether SIGTERM ends its workers where they are, so that of one that is at work only what was sent before is told."""


def hang_up(service: Service, _source: Path) -> None:
    """Have the workers replaced by SIGHUP."""
    service.send_signal(signal.SIGHUP)


def change(_service: Service, source: Path) -> None:
    """Change the program."""
    source.write_text(f"{source.read_text()}# changed\n")


def gunicorn(kind: str, application: str, *more: str) -> Row:
    """Return gunicorn with workers of a kind. Its control socket, of a thread of its own, has one place for all servers of a user."""
    words = ("gunicorn", "-w", "2", "-b", f"{HOST}:PORT", "-k", kind, "--max-requests", str(EACH), "--no-control-socket")
    return Row((*words, *more, f"served:{application}"), workers=2, masters=True, counts=True)


def granian(interface: str) -> Row:
    """Return granian with workers in processes."""
    words = ("granian", "--interface", interface, "--port", "PORT", "--workers", "2", f"served:{interface}")
    return Row(words, workers=2, masters=True, replace=hang_up)


def uwsgi(*more: str, kills: bool = False) -> Row:
    """Return uWSGI, which finishes its requests on SIGTERM where it is told so, and replaces no worker in its first second."""
    words = ("uwsgi", "--master", "-p", "2", "--http-socket", f"{HOST}:PORT", "--enable-threads", "--module", "served_flask:app")
    told = ("--die-on-term",) if kills else ("--hook-master-start", "unix_signal:15 gracefully_kill_them_all")
    replaced = ("--need-app", "--max-requests", str(EACH), "--min-worker-lifetime", "1")
    return Row((*words, *told, *replaced, *more), workers=2, masters=True, counts=True, kills=kills)


def celery(pool: str, *more: str) -> Row:
    """Return a worker of Celery's with a pool."""
    words = (
        "celery",
        "-A",
        "tasked",
        "worker",
        "-P",
        pool,
        "-c",
        "2",
        "-l",
        "INFO",
        "--without-mingle",
        "--without-gossip",
        *more,
    )
    forks = pool == "prefork"
    return Row(words, workers=2 if forks else 1, masters=forks, counts=forks)


_uvicorn = ("uvicorn", "served:asgi", "--port", "PORT")
_hypercorn = ("hypercorn", "served:asgi", "-b", f"{HOST}:PORT")
_recycled = ("--limit-max-requests", str(EACH))
SERVERS = {
    "gunicorn sync": gunicorn("sync", "wsgi"),
    "gunicorn sync, preloaded": gunicorn("sync", "wsgi", "--preload"),
    "gunicorn gthread": gunicorn("gthread", "wsgi", "--threads", "4"),
    "gunicorn gevent": gunicorn("gevent", "wsgi"),
    "gunicorn uvicorn": gunicorn("uvicorn_worker.UvicornWorker", "asgi"),
    "gunicorn asgi": gunicorn("asgi", "asgi"),
    "uvicorn": Row(_uvicorn),
    "uvicorn with workers": Row((*_uvicorn, "--workers", "2", *_recycled), workers=2, masters=True, counts=True),
    "uvicorn reload": Row((*_uvicorn, "--reload"), masters=True, replace=change),
    "hypercorn": Row(_hypercorn),
    "hypercorn with workers": Row((*_hypercorn, "-w", "2", "--max-requests", str(EACH)), workers=2, masters=True, counts=True),
    "granian": granian("asgi"),
    "granian wsgi": granian("wsgi"),
    "waitress": Row(("waitress-serve", "--listen", f"{HOST}:PORT", "served:wsgi"), dies=True),
    "daphne": Row(("daphne", "-p", "PORT", "served:asgi")),
    "uWSGI": uwsgi(),
    "uWSGI with fork hooks": uwsgi("--py-call-uwsgi-fork-hooks"),
    "uWSGI lazy-apps": uwsgi("--lazy-apps"),
    "uWSGI die-on-term": uwsgi(kills=True),
}
WORKERS = {
    "celery prefork": celery("prefork", "--max-tasks-per-child", str(EACH)),
    "celery threads": celery("threads"),
    "celery solo": celery("solo"),
}
