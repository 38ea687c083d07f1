"""Real processes for tests: run a program to its end, or keep a server while a test talks to it.

Every process starts from the same clean environment, so that nothing of the developer's shell decides a test.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

BIN = Path(sys.executable).parent
"""Where the commands of the interpreter under test are: `platform-instrument`, `uvicorn`, `gunicorn`."""

SITE = Path(__file__).parent.parent / "src" / "platform_instrument_site"
"""The folder that goes on `PYTHONPATH` for the sitecustomize door."""

HOST = "127.0.0.1"

_UNWANTED = ("OTEL_", "PLATFORM_", "_PLATFORM_", "PYTHON", "PYTEST_", "MAKE", "MFLAGS")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class Endpoint(Protocol):
    """What a collector must offer: the variables that make a process export to it."""

    def environment(self) -> Mapping[str, str]:
        """Return the environment variables."""


@dataclass(frozen=True)
class Completed:
    """A process that has ended; `returncode` is negative where a signal ended it."""

    returncode: int
    stdout: str
    stderr: str


def environment(env: Mapping[str, str] | None = None, collector: Endpoint | None = None) -> dict[str, str]:
    """Return the environment of a test process: the clean base, then the collector's variables, then `env`."""
    base = {name: value for name, value in os.environ.items() if not name.startswith(_UNWANTED) and name.lower() not in _PROXIES}
    base["PATH"] = f"{BIN}{os.pathsep}{base.get('PATH', os.defpath)}"
    return {**base, **(collector.environment() if collector else {}), **(env or {})}


_LOWEST, _EACH = 10_000, 2_500
"""Where the ports of the first worker of pytest-xdist begin, and how many each has: below those that the system gives to clients."""


def _ports() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    begun = os.getpid()  # another run of the tests may be under way
    for number in itertools.count(begun):
        yield _LOWEST + worker * _EACH + number % _EACH


_next_port = _ports()


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on now, and that nobody was given lately."""
    while True:
        port = next(_next_port)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one whose connections are closing is free
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        return port


def run(  # noqa: PLR0913 - what a process takes
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    collector: Endpoint | None = None,
    timeout: float = 30,
    cwd: str | Path | None = None,
    stdin: int = subprocess.DEVNULL,
) -> Completed:
    """Run a program to its end; after `timeout` seconds its process group is killed and `TimeoutError` raised."""
    with _Process(argv, environment(env, collector), cwd, stdin) as process:
        if not process.ended_within(timeout):
            message = f"{process.title} ran for more than {timeout} s\n{process.output()}"
            raise TimeoutError(message)
        return Completed(process.popen.returncode, process.stdout, process.stderr)


class _Process:
    """A child in a process group of its own, which is killed as a whole; output goes to files, so it never blocks."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        env: Mapping[str, str],
        cwd: str | Path | None,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self.title = " ".join(str(word) for word in argv)
        out: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed on exit
        err: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed on exit
        self._files = (out, err)
        self.popen = subprocess.Popen(
            [str(word) for word in argv],
            env=dict(env),
            cwd=cwd,
            stdin=stdin,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )

    @property
    def stdout(self) -> str:
        return _content(self._files[0])

    @property
    def stderr(self) -> str:
        return _content(self._files[1])

    def output(self) -> str:
        """Return everything that was printed, for the message of a failure."""
        return f"--- stdout\n{self.stdout}--- stderr\n{self.stderr}"

    def ended_within(self, seconds: float) -> bool:
        """Wait for the end; say whether it came in time."""
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(10)
        for file in self._files:
            file.close()


class Service:
    """A server process: started on entry, ready when its port answers, killed with its whole group on exit.

    `port` is the one its arguments name; `timeout` bounds start, each request and the end, in seconds.
    """

    def __init__(  # noqa: PLR0913 - what a server takes
        self,
        argv: Sequence[str | Path],
        port: int,
        *,
        env: Mapping[str, str] | None = None,
        collector: Endpoint | None = None,
        cwd: str | Path | None = None,
        timeout: float = 20,
    ) -> None:
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self._start = (argv, environment(env, collector), cwd)
        self._timeout = timeout
        self._process: _Process | None = None
        self._printed = ("", "")

    @property
    def pid(self) -> int:
        """The process id of the server's master."""
        return self._running.popen.pid

    @property
    def stdout(self) -> str:
        """What the server has printed so far; readable after its end too."""
        return self._process.stdout if self._process else self._printed[0]

    @property
    def stderr(self) -> str:
        """What the server has written to standard error so far; readable after its end too."""
        return self._process.stderr if self._process else self._printed[1]

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str, Mapping[str, str]]:
        """Return status, body and headers (names in lower case) of a GET."""
        return self.request("GET", path, headers=headers)

    def request(
        self, method: str, path: str, body: str | bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, Mapping[str, str]]:
        """Return status, body and headers (names in lower case) of a request on a connection of its own."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=self._timeout)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            return response.status, text, {name.lower(): value for name, value in response.getheaders()}
        except (OSError, http.client.HTTPException) as error:
            message = f"{method} {self.url}{path}: {error!r}\n{self._running.output()}"
            raise AssertionError(message) from error
        finally:
            connection.close()

    def wait_for_output(self, text: str, seconds: float = 5) -> str:
        """Return all output once `text` is in it: a line may be written after the response it is about."""
        deadline = time.monotonic() + seconds
        while text not in (output := self._running.output()):
            assert time.monotonic() < deadline, f"{text!r} was not printed\n{output}"
            time.sleep(0.02)
        return output

    def send_signal(self, number: int) -> None:
        """Send a signal to the server's master."""
        self._running.popen.send_signal(number)

    def terminate(self, number: int = signal.SIGTERM) -> int:
        """End the server with a signal and return its exit status (negative: the signal that ended it)."""
        self.send_signal(number)
        ended = self._running.ended_within(self._timeout)
        assert ended, f"still running {self._timeout} s after signal {number}\n{self._running.output()}"
        return int(self._running.popen.returncode)

    def __enter__(self) -> Self:
        self._process = _Process(*self._start)
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        process = self._running
        with process:
            self._printed = (process.stdout, process.stderr)
        self._process = None
        if error is not None:  # pytest shows it beside the failure
            sys.stderr.write(f"{process.title}\n--- stdout\n{self.stdout}--- stderr\n{self.stderr}")

    @property
    def _running(self) -> _Process:
        assert self._process is not None, "the server is not running: use it as a context manager"
        return self._process

    def _wait_until_ready(self) -> None:
        process = self._running
        deadline = time.monotonic() + self._timeout
        while not accepts(self.port):
            ended = process.ended_within(0.02)
            assert not ended, f"{process.title} ended before it listened\n{process.output()}"
            assert time.monotonic() < deadline, f"{process.title} does not listen on {self.port}\n{process.output()}"


def accepts(port: int) -> bool:
    """Say whether somebody accepts connections on this port of the loopback interface."""
    try:
        with socket.create_connection((HOST, port), 1):
            return True
    except OSError:
        return False


def _content(file: IO[bytes]) -> str:
    """Read what a child has written, without moving the position that the child writes at."""
    length = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), length, 0).decode("utf-8", "replace")


Words = list[str]

DOORS: Mapping[str, Callable[[Words], tuple[Words, dict[str, str]]]] = {
    "command": lambda argv: ([str(BIN / "platform-instrument"), *argv], {}),
    "pth": lambda argv: (argv, {"PLATFORM_AUTO": "1"}),
    "pythonpath": lambda argv: (argv, {"PYTHONPATH": str(SITE)}),
    "opentelemetry-instrument": lambda argv: (
        [str(BIN / "opentelemetry-instrument"), *argv],
        {"OTEL_PYTHON_DISTRO": "platform_instrument", "OTEL_PYTHON_CONFIGURATOR": "platform_instrument"},
    ),
}
"""Every way in: what it makes of a command line, and the variables it needs."""


def door(name: str, argv: Sequence[str | Path]) -> tuple[list[str], dict[str, str]]:
    """Return command line and environment that start `argv` through one of `DOORS`."""
    return DOORS[name]([str(word) for word in argv])
