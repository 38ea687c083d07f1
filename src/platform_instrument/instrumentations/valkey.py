"""valkey-py: commands, pipelines and transactions, sync and async, of clients, clusters and sentinels; values never leave.

It has the shape of redis-py, of which it is a fork: see `redis` and `redis_pool`. `db.system.name` is valkey, whatever server
answers. Source: valkey/client.py, valkey/cluster.py, valkey/connection.py, valkey/asyncio (6.0 to 6.2).
"""

from __future__ import annotations

from platform_instrument.core import families
from platform_instrument.core.values import Instrumentation
from platform_instrument.instrumentations.redis import clients
from platform_instrument.instrumentations.redis_pool import pooled

INSTRUMENTATION = Instrumentation(
    name="valkey",
    requires="valkey>=6,<7",
    patches=(
        *clients("valkey", "Valkey"),
        *pooled("valkey"),
    ),
    family=families.DB_CLIENT,
    statements=False,
    modules=("valkey",),
)
