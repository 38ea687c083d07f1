"""valkey-py: whether its servers answer, by a PING over a connection of a pool, sync and async; not observed.

Only with probes. It has the shape of redis-py: see `redis_checks`. Source: valkey/connection.py, valkey/asyncio (6.0 to 6.2).
"""

from __future__ import annotations

from platform_instrument.core.values import Instrumentation
from platform_instrument.instrumentations.redis_checks import checks

INSTRUMENTATION = Instrumentation(
    name="valkey_checks",
    requires="valkey>=6,<7",
    patches=checks("valkey"),
    modules=("valkey",),
    settings=("probes", "admin_port"),
)
