"""An event loop as a service has one, in a thread of the test's process."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

BLOCKED = 0.25
"""Seconds from which on a loop was blocked by somebody: half of the time that a check has."""


class Loop:
    """An event loop in a thread, as a service has one, which says how late it is.

    That is the processor's time between two ticks, which other programs of the machine do not add to, or the clock's, where it
    is so late that something has blocked it; in seconds.
    """

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._late = 0.0
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.create_task(self._beat())
        self.loop.run_forever()

    async def _beat(self) -> None:
        while True:
            due, spent = self.loop.time() + 0.01, time.thread_time()
            await asyncio.sleep(0.01)
            blocked = self.loop.time() - due
            self._late = max(self._late, time.thread_time() - spent, blocked if blocked > BLOCKED else 0.0)

    def lag(self) -> float:
        """Return how late it was at most, and begin anew."""
        late, self._late = self._late, 0.0
        return late

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something on it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def close(self) -> None:
        """End it, with what is left on it."""

        async def cancel() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.run(cancel())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()
