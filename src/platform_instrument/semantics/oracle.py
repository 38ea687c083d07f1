"""Which database of Oracle a connection leads to, as its driver knows it: nothing is asked for it.

Source: https://opentelemetry.io/docs/specs/semconv/database/oracledb/ (version 1.37.0): `db.namespace` is instance, database and
service; Oracle Net Services, "Easy Connect" and connect descriptors.
"""

from __future__ import annotations

import re

from platform_instrument.semantics.database import PORTS, Database, database

_SYSTEM = "oracle.db"
_EASY = re.compile(r"(?:\w+://)?(\[[^\]]+\]|[\w.-]+)(?=[:/])(?::(\d{1,5}))?(?:/.*)?\Z")
_HOST, _PORT = re.compile(r"\(\s*HOST\s*=\s*([^)\s]+)", re.IGNORECASE), re.compile(r"\(\s*PORT\s*=\s*(\d{1,5})", re.IGNORECASE)


def oracle_database(dsn: str | None, *names: str | None) -> Database:
    """Return the database of a connect string, with the names of instance, database and service, as far as they are known.

    Where a connect string lists several addresses, which of them it was is unknown; a name of `tnsnames.ora` tells none.
    """
    host, port = _address(dsn or "")
    return database(_SYSTEM, "|".join([name for name in names if name]), host, port)


def _address(dsn: str) -> tuple[str, int]:
    if dsn.lstrip().startswith("("):
        hosts, ports = set(_HOST.findall(dsn)), set(_PORT.findall(dsn))
        if len(hosts) != 1 or len(ports) > 1:
            return "", 0
        return hosts.pop(), int(ports.pop()) if ports else PORTS[_SYSTEM]
    match = _EASY.match(dsn)
    return (match[1].strip("[]"), int(match[2] or PORTS[_SYSTEM])) if match else ("", 0)
