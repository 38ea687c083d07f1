"""Whether a server is alive whose clients have no connection to spare, and none of whose operations has succeeded lately.

It is asked for something that needs neither a session nor a login, and may answer what it likes, or hang up; one that is frozen
does not. So what keeps all connections busy is told from what keeps them waiting, and no limit on connections is touched.
Source: PostgreSQL documentation, 55.7 message formats, SSLRequest; Redis serialization protocol, inline commands;
RFC 9113, 3.4 HTTP/2 connection preface.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platform_instrument.runtime.health.traffic import Place
    from platform_instrument.semantics.database import Database

_SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"
_HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"
KNOCKS = {
    "postgresql": _SSL_REQUEST,
    "cockroachdb": _SSL_REQUEST,
    "redis": b"PING\r\n",
    "valkey": b"PING\r\n",
    "grpc": _HTTP2,
}
"""What is sent, by system. MySQL is not here: it locks hosts out that connect and do not log in."""


def can_knock(where: Database | Place | None) -> bool:
    """Say whether there is a way to knock at a server."""
    return where is not None and where.system in KNOCKS and bool(where.address and where.port)


def knock(where: Database | Place, seconds: float) -> None:
    """Return once the server has answered, or hung up; OSError where it does neither."""
    answer(where, seconds)


def answer(where: Database | Place, seconds: float) -> bytes:
    """Return the beginning of what the server answers, nothing where it hangs up; OSError where it does neither."""
    import socket  # for none but a saturated pool

    with socket.create_connection((where.address, where.port), seconds) as connection:
        connection.settimeout(seconds)
        connection.sendall(KNOCKS[where.system])
        return connection.recv(64)
