"""A database server of the test's own, which may be stopped, started again and frozen; those of `tests.servers` are shared."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import servers
from tests.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SECONDS = 120


class OwnServer:
    """One server, always on the same port."""

    def __init__(self, server: servers.Server, programs: Mapping[str, str], folder: Path) -> None:
        self.port = free_port()
        self.url = server.url.format(port=self.port)
        self._server = server
        self._folder = folder
        self._account = (server.account or None) if os.geteuid() == 0 else None
        if self._account:
            shutil.chown(folder, self._account)
        *preparations, self._command = server.commands(programs, folder, self.port)
        for command in preparations:
            subprocess.run(command, user=self._account, cwd=folder, check=True, capture_output=True, timeout=_SECONDS)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            self._command, user=self._account, cwd=self._folder, stdout=quiet, stderr=quiet, start_new_session=True
        )
        deadline = time.monotonic() + _SECONDS
        while not self._server.answers(self.port):
            assert time.monotonic() < deadline, f"{self._server.name} does not answer"
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, its clients' connections with it."""
        if self._process is not None:
            self.thaw()
            self._process.send_signal(signal.SIGINT if self._server.name == "postgres" else signal.SIGTERM)
            self._process.wait(_SECONDS)
            self._process = None

    def freeze(self) -> None:
        """Let it do nothing, with all of its processes."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        for pid in (self._process.pid, *_children(self._process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    return [int(pid) for pid in listed.split()]


@contextlib.contextmanager
def own(server: servers.Server) -> Iterator[OwnServer]:
    """Yield a server that runs; skip the test where its programs are not here."""
    programs = servers._programs(server)
    if not programs:
        pytest.skip(f"no {server.programs[-1]} here")
    with tempfile.TemporaryDirectory(prefix=f"{server.name}-", ignore_cleanup_errors=True) as folder:
        running = OwnServer(server, programs, Path(folder))
        running.start()
        try:
            yield running
        finally:
            running.stop()
