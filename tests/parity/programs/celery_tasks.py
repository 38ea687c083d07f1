"""Celery over Redis, its worker in a thread of the program."""

from __future__ import annotations

import contextlib
import os

import celery
from celery.contrib.testing.worker import start_worker
from steps import PORT, step

app = celery.Celery("shop", broker=os.environ["REDIS"], backend=os.environ["REDIS"])
app.conf.task_default_queue = f"parity-{PORT}"
app.conf.worker_hijack_root_logger = False


@app.task(name="shop.add")
def add(first: int, second: int) -> int:
    """Add."""
    return first + second


@app.task(name="shop.fail")
def fail() -> None:
    """Fail."""
    raise LookupError


@app.task(name="shop.again", bind=True, max_retries=1)
def again(self: celery.Task) -> None:
    """Be tried again once, and end well."""
    if not self.request.retries:
        raise self.retry(countdown=0)


with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
    with step("add"):
        assert add.delay(1, 2).get(timeout=20) == 3
    with step("fail"), contextlib.suppress(LookupError):
        fail.delay().get(timeout=20)
    with step("again"):
        again.apply_async().get(timeout=20)
