"""The connection to a collector: a socket whose every operation ends at one deadline, however slowly the peer drips.

Its own TLS options; proxies as the environment names them for everybody (`https_proxy`, `no_proxy`), not to loopback.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 - the socket module would import it later, in the middle of the work
import io
import os
import socket
import struct
import sys
import threading
from base64 import b64encode
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from platform_instrument.telemetry.descriptors import out_of_the_way

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext
    from urllib.parse import SplitResult

    from platform_instrument.config.otlp import OtlpSettings

_PIECE = 64 * 1024
_LOOK_UP = 0.02
"""Seconds between two looks at whether somebody is in a hurry."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_LONGEST_HEAD = 16 * 1024
_KERNEL_KEEPS_TIME = sys.platform == "linux" and sys.maxsize > 1 << 32
"""Where a `long` has 32 bits, the C library decides how long the numbers of a time are."""


class Interrupted(Exception):  # noqa: N818 - not an error
    """The answer was not waited for, because somebody is in a hurry; not a byte of it was read."""


class TimedSocket:
    """A socket as far as `http.client` asks for one; `TimeoutError` at `deadline`, on the clock of `time.monotonic`.

    Where it can, it lets the kernel keep the time: Python would poll before each operation, and each of its calls lets go
    of the interpreter, which a busy application gives back only after the switch interval. Not in the main thread: the
    time would begin anew with each signal of the application that interrupts it.
    """

    __slots__ = ("_answered", "_by_kernel", "_socket", "_unsent", "deadline", "hurried", "proxied")

    def __init__(self, connected: socket.socket, deadline: float, *, proxied: bool = False) -> None:
        self._socket = connected
        self._by_kernel = _KERNEL_KEEPS_TIME and type(connected) is socket.socket and type(connected).__module__ == "socket"
        """False for TLS, which loops on its own, and for gevent's and eventlet's sockets, which never block."""
        self._answered = False
        self._unsent: list[bytes] = []
        self.deadline = deadline
        self.proxied = proxied
        """Whether the peer is a proxy that has to be told the whole URL."""
        self.hurried: Callable[[], bool] = bool
        """Asked again and again while nothing of an answer has come: true ends the wait with `Interrupted`."""

    def makefile(self, _mode: str, *_arguments: object) -> io.BufferedReader:
        """Return a reader of the answer; closing it leaves the socket open."""
        return io.BufferedReader(_Reader(self))

    def sendall(self, data: bytes) -> None:
        """Keep a part of a request until `flush`: head and body go together."""
        self._unsent.append(data)

    def flush(self) -> None:
        """Send what is kept, piece by piece so that the deadline holds over TLS too."""
        view = memoryview(b"".join(self._unsent))
        self._unsent.clear()
        self._answered = False
        while view:
            view = view[self._timed(self._socket.send, view[:_PIECE], socket.SO_SNDTIMEO) :]

    def receive(self, buffer: bytearray | memoryview) -> int:
        """Read some bytes of an answer into a buffer; return how many, 0 at its end."""
        while not self._answered:
            try:
                count = self._timed(self._socket.recv_into, buffer, socket.SO_RCVTIMEO, _LOOK_UP)
            except TimeoutError:
                if self.deadline <= monotonic():
                    raise
                if self.hurried():
                    raise Interrupted from None
            else:
                self._answered = True
                return count
        return self._timed(self._socket.recv_into, buffer, socket.SO_RCVTIMEO)

    def _timed(self, operation: Callable[[Any], int], data: Any, option: int, most: float = float("inf")) -> int:  # noqa: ANN401
        """Do one operation in what is left of the time, and in no more than `most` seconds."""
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        seconds = min(left, most)
        if not self._by_kernel or threading.current_thread() is threading.main_thread():
            self._socket.settimeout(seconds)
            return operation(data)
        if self._socket.gettimeout() is not None:
            self._socket.settimeout(None)
        self._socket.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", *divmod(int(seconds * 1e6) + 1, 1_000_000)))
        try:
            return operation(data)
        except BlockingIOError:
            raise TimeoutError from None

    def close(self) -> None:
        """Do nothing: `http.client` closes before it has read an answer that ends with its connection."""

    def hang_up(self) -> None:
        """Close the socket."""
        self._socket.close()


class _Reader(io.RawIOBase):
    """Reads a timed socket."""

    def __init__(self, timed: TimedSocket) -> None:
        super().__init__()
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # what BufferedReader passes
        return self._timed.receive(buffer)


def load(otlp: OtlpSettings) -> None:
    """Import what connections will need, now: a fork waits for imports only while the worker prepares itself."""
    url = urlsplit(otlp.endpoint)
    if url.scheme == "https":
        import ssl  # noqa: F401 - 3 MB that plain HTTP does not need
    if _may_have_proxy(url):
        import urllib.request  # noqa: F401 - as above


def connect(otlp: OtlpSettings, deadline: float) -> TimedSocket:
    """Return a socket connected to the collector, or to the proxy on the way to it; `OSError` where it cannot be."""
    url = urlsplit(otlp.endpoint)
    proxy = _proxy(url)
    if proxy is None:
        connected = _connected(url.hostname or "localhost", url.port or _DEFAULT_PORTS[url.scheme], deadline)
    else:
        connected = _connected(proxy.hostname or "localhost", proxy.port or _DEFAULT_PORTS["http"], deadline)
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if url.scheme != "https":
            return TimedSocket(connected, deadline, proxied=proxy is not None)
        if proxy is not None:
            _tunnel(TimedSocket(connected, deadline), url, proxy)
        connected.settimeout(max(deadline - monotonic(), 0.001))
        return TimedSocket(_tls(otlp).wrap_socket(connected, server_hostname=url.hostname), deadline)
    except BaseException:
        connected.close()
        raise


def _connected(host: str, port: int, deadline: float) -> socket.socket:
    """Return a socket connected to the first address that answers; each has its share of the time that is left.

    One that never answers, such as IPv6 behind a firewall that drops it, leaves time for the others.
    """
    failure: OSError = TimeoutError()
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for others, (family, kind, protocol, _, address) in zip(reversed(range(len(addresses))), addresses, strict=True):
        left = deadline - monotonic()
        if left <= 0:
            raise failure
        try:
            made = _apart(socket.socket(family, kind, protocol))
        except OSError as error:  # a family that this machine does not have
            failure = error
            continue
        try:
            made.settimeout(left / (others + 1))
            made.connect(address)
        except OSError as error:
            made.close()
            failure = error
        else:
            return made
    raise failure


def _apart(made: socket.socket) -> socket.socket:
    """Return a socket out of the way of an application that closes all descriptors: it would be given ours for its own files."""
    if type(made).__module__ != "socket":
        return made  # gevent's or eventlet's: what waits for it knows its number
    return socket.socket(made.family, made.type, made.proto, fileno=out_of_the_way(made.detach()))


def _tls(otlp: OtlpSettings) -> SSLContext:
    """Return the TLS options, read anew for each connection: certificates are renewed under a running process."""
    import ssl

    context = ssl.create_default_context(cafile=otlp.certificate)
    if otlp.client_certificate:
        context.load_cert_chain(otlp.client_certificate, otlp.client_key)
    return context


def _proxy(url: SplitResult) -> SplitResult | None:
    """Return the proxy for this URL, None where there is none."""
    if not _may_have_proxy(url):
        return None
    from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined] # not in the stub

    proxies = getproxies_environment()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass_environment(url.netloc.rpartition("@")[2], proxies):
        return None
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return parts if parts.scheme == "http" else None


def _may_have_proxy(url: SplitResult) -> bool:
    return url.hostname not in _LOOPBACK and any(name.lower().endswith("_proxy") for name in os.environ)


def _tunnel(proxy_socket: TimedSocket, url: SplitResult, proxy: SplitResult) -> None:
    """Ask an HTTP proxy for a way through to the collector."""
    host = f"{url.hostname}:{url.port or _DEFAULT_PORTS[url.scheme]}"
    lines = [f"CONNECT {host} HTTP/1.1", f"Host: {host}"]
    if proxy.username:
        credentials = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
        lines.append(f"Proxy-Authorization: Basic {b64encode(credentials).decode()}")
    proxy_socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    proxy_socket.flush()
    head, byte = b"", bytearray(1)  # not one byte too many: what follows is the collector's TLS
    while not head.endswith(b"\r\n\r\n") and len(head) < _LONGEST_HEAD and proxy_socket.receive(byte):
        head += byte
    if head.split(b" ", 2)[1:2] != [b"200"]:
        message = "the proxy does not let it through"
        raise ConnectionError(0, message)
