"""The databases that tests talk to: found by URL, found on their usual port, or started here.

A server is never mocked. Where none can be had, the test is skipped with the reason, or fails where
`PLATFORM_TEST_REQUIRE_SERVERS` (comma separated names) asks for it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.processes import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """One kind of server: how to reach it, how to tell that it answers, how to start one."""

    name: str
    url: str
    """With `{port}`; for the account that needs no password."""
    port: int
    answers: Callable[[int], bool]
    """Say whether a server on this port lets our account in."""
    programs: tuple[str, ...]
    commands: Callable[[Mapping[str, str], Path, int], Sequence[Sequence[str]]]
    """The command lines, from the programs' paths, a data folder and a port: preparations, then the server itself."""
    account: str
    """Whom to run it as where the tests run as root, which such servers refuse."""
    image: str
    image_variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def variable(self) -> str:
        """The environment variable that names the server to use."""
        return f"PLATFORM_TEST_{self.name.upper()}_URL"


@contextlib.contextmanager
def running(server: Server) -> Iterator[str]:
    """Yield the URL of a server that answers; end what was started here; skip the test where there is none."""
    given = os.environ.get(server.variable)
    if given:
        address = urlsplit(given)
        with socket.create_connection((address.hostname or HOST, address.port or server.port), 5):
            pass  # a server that was asked for and is not there is an error, not a reason to skip
        yield given
    elif server.answers(server.port):
        yield server.url.format(port=server.port)
    elif programs := _programs(server):
        with _process(server, programs) as port:
            yield server.url.format(port=port)
    elif importlib.util.find_spec("testcontainers"):
        with _container(server) as port:
            yield server.url.format(port=port)
    else:
        _give_up(server)


def _give_up(server: Server) -> None:
    reason = f"no {server.name}: nothing on port {server.port}, no {server.programs[-1]} here, {server.variable} not set"
    required = os.environ.get("PLATFORM_TEST_REQUIRE_SERVERS", "").split(",")
    if server.name in (name.strip() for name in required):
        pytest.fail(reason)
    pytest.skip(reason)


def _programs(server: Server) -> dict[str, str]:
    """Return the path of each program of a server, or nothing where one is missing."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", *map(str, debian)])
    found = {program: shutil.which(program, path=path) for program in server.programs}
    return {program: place for program, place in found.items() if place} if all(found.values()) else {}


@contextlib.contextmanager
def _process(server: Server, programs: Mapping[str, str]) -> Iterator[int]:
    """Start a server of our own in a temporary folder, on a free port; end it and remove its data."""
    port = free_port()
    as_root = os.geteuid() == 0
    account = server.account if as_root else None
    with tempfile.TemporaryDirectory(prefix=f"{server.name}-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if account:
            shutil.chown(folder, account)
        *preparations, service = server.commands(programs, folder, port)
        for command in preparations:
            subprocess.run(command, user=account, cwd=folder, check=True, capture_output=True, timeout=_START_SECONDS)
        process = subprocess.Popen(
            service,
            user=account,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait(server, port)
            yield port
        finally:
            os.killpg(process.pid, signal.SIGINT if server.name == "postgres" else signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


@contextlib.contextmanager
def _container(server: Server) -> Iterator[int]:
    """Start a server in a container."""
    containers = importlib.import_module("testcontainers.core.container")  # an optional package
    container = containers.DockerContainer(server.image).with_exposed_ports(server.port)
    for name, value in server.image_variables.items():
        container = container.with_env(name, value)
    with container:
        port = int(container.get_exposed_port(server.port))
        _wait(server, port)
        yield port


def _wait(server: Server, port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server.answers(port):
        if time.monotonic() > deadline:
            pytest.fail(f"{server.name} was started and does not answer on port {port} after {_START_SECONDS} s")
        time.sleep(0.1)


def _exchange(port: int, question: Callable[[socket.socket], bytes]) -> bytes:
    """Return the first bytes that a server sends to our question, b"" where there is no conversation."""
    try:
        with socket.create_connection((HOST, port), 1) as connection:
            connection.settimeout(2)
            connection.sendall(question(connection))
            return connection.recv(256)
    except OSError:
        return b""


def _redis_answers(port: int) -> bool:
    return _exchange(port, lambda _: b"PING\r\n").startswith(b"+PONG")


def _memcached_answers(port: int) -> bool:
    return _exchange(port, lambda _: b"version\r\n").startswith(b"VERSION")


def _postgres_answers(port: int) -> bool:
    """Say whether `postgres` gets in without a password. Source: PostgreSQL protocol 3.0, StartupMessage."""
    body = struct.pack("!I", 3 << 16) + b"user\0postgres\0database\0postgres\0\0"
    reply = _exchange(port, lambda _: struct.pack("!I", len(body) + 4) + body)
    return reply[:1] == b"R" and reply[5:9] == b"\0\0\0\0"  # AuthenticationOk


def _mariadb_answers(port: int) -> bool:
    """Say whether `root` gets in without a password. Source: MariaDB protocol, handshake response."""

    def log_in(connection: socket.socket) -> bytes:
        connection.recv(1024)  # the server's greeting
        protocol_41, secure_connection, plugin_auth = 0x200, 0x8000, 0x80000
        body = struct.pack("<IIB23x", protocol_41 | secure_connection | plugin_auth, 1 << 24, 33)
        body += b"root\0" + b"\0" + b"mysql_native_password\0"
        return struct.pack("<I", len(body) | 1 << 24) + body

    return _exchange(port, log_in)[4:5] == b"\0"  # an OK packet


def _rabbitmq_answers(port: int) -> bool:
    """Say whether a server begins to speak. Source: AMQP 0-9-1, 4.2.2 protocol header, Connection.Start."""
    return _exchange(port, lambda _: b"AMQP\0\0\x09\x01").startswith(b"\x01\0\0")


_RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
"""Debian's; what it has on the path writes where only one server may."""


def _rabbitmq_commands(programs: Mapping[str, str], folder: Path, port: int) -> Sequence[Sequence[str]]:
    configuration = f"listeners.tcp.1 = {HOST}:{port}\n"
    variables = {
        "HOME": folder,
        "RABBITMQ_NODENAME": f"test-{port}@localhost",
        "RABBITMQ_DIST_PORT": free_port(),
        "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
        "RABBITMQ_CONFIG_FILES": f"{folder}/none",
        "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
        "RABBITMQ_MNESIA_BASE": f"{folder}/data",
        "RABBITMQ_LOG_BASE": f"{folder}/log",
        "RABBITMQ_PID_FILE": f"{folder}/pid",
    }
    program = _RABBITMQ if Path(_RABBITMQ).exists() else programs["rabbitmq-server"]
    return [
        ["sh", "-c", f"printf %s '{configuration}' > {folder}/rabbitmq.conf"],
        ["env", *[f"{name}={value}" for name, value in variables.items()], program],
    ]


POSTGRES = Server(
    name="postgres",
    url="postgresql://postgres@127.0.0.1:{port}/postgres",
    port=5432,
    answers=_postgres_answers,
    programs=("initdb", "postgres"),
    commands=lambda programs, folder, port: [
        [programs["initdb"], "-D", f"{folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
        [programs["postgres"], "-D", f"{folder}/data", "-p", str(port), "-h", HOST, "-k", str(folder), "-F"],
    ],
    account="postgres",
    image="postgres:16-alpine",
    image_variables={"POSTGRES_HOST_AUTH_METHOD": "trust"},
)
REDIS = Server(
    name="redis",
    url="redis://127.0.0.1:{port}/0",
    port=6379,
    answers=_redis_answers,
    programs=("redis-server",),
    commands=lambda programs, folder, port: [
        [programs["redis-server"], "--port", str(port), "--bind", HOST, "--save", "", "--dir", str(folder)],
    ],
    account="nobody",
    image="redis:7-alpine",
)
MEMCACHED = Server(
    name="memcached",
    url="memcached://127.0.0.1:{port}",
    port=11211,
    answers=_memcached_answers,
    programs=("memcached",),
    commands=lambda programs, _folder, port: [[programs["memcached"], "-l", HOST, "-p", str(port)]],
    account="nobody",
    image="memcached:1.6-alpine",
)
MARIADB = Server(
    name="mariadb",
    url="mysql://root@127.0.0.1:{port}/",
    port=3306,
    answers=_mariadb_answers,
    programs=("mariadb-install-db", "mariadbd"),
    commands=lambda programs, folder, port: [
        [
            programs["mariadb-install-db"],
            "--no-defaults",
            f"--datadir={folder}/data",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ],
        [
            programs["mariadbd"],
            "--no-defaults",
            f"--datadir={folder}/data",
            f"--port={port}",
            f"--bind-address={HOST}",
            f"--socket={folder}/mariadb.sock",
            f"--pid-file={folder}/mariadb.pid",
        ],
    ],
    account="mysql",
    image="mariadb:11",
    image_variables={"MARIADB_ALLOW_EMPTY_ROOT_PASSWORD": "1"},
)
RABBITMQ = Server(
    name="rabbitmq",
    url="amqp://guest:guest@127.0.0.1:{port}//",
    port=5672,
    answers=_rabbitmq_answers,
    programs=("rabbitmq-server",),
    commands=_rabbitmq_commands,
    account="rabbitmq",
    image="rabbitmq:3-alpine",
)
