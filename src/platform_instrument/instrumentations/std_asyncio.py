"""asyncio: how long the callbacks of an event loop keep it from what is next, of asyncio's own loops and of uvloop's.

Metric: `platform.asyncio.loop.lag`, no span. Source: see `runtime/loops.py`.
"""

from __future__ import annotations

from platform_instrument.core.values import Custom, Instrumentation
from platform_instrument.runtime import loops

INSTRUMENTATION = Instrumentation(
    name="asyncio",
    requires="python>=3.10,<3.16",
    patches=(
        Custom("asyncio.base_events", loops.observe_asyncio),
        Custom("uvloop", loops.observe_uvloop, optional=True),
    ),
    modules=("asyncio",),
    settings=("runtime_metrics",),
)
