"""An application of Celery's, for its worker and for whoever sends to it."""

from __future__ import annotations

import logging
import os
import signal
import time
from typing import Any

from celery import Celery
from celery.utils.log import get_task_logger
from kombu import Exchange, Queue
from opentelemetry import trace

app = Celery("shop", broker=os.environ["BROKER"], backend=os.environ["BACKEND"])
app.conf.task_default_queue = name = os.environ["QUEUE"]
app.conf.task_queues = [Queue(name, Exchange(name), routing_key=name, expires=60)]
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_max_tasks_per_child = int(os.environ.get("TASKS_PER_CHILD", "0")) or None
app.conf.task_track_started = True
log = get_task_logger(__name__)


@app.task
def where() -> dict[str, Any]:
    """Return which process and span this is, by numbers that no line shows of itself, after a while in which others run."""
    log.info("said by the task")
    logging.getLogger("shop").warning("said by the library")
    time.sleep(0.02)
    context = trace.get_current_span().get_span_context()
    return {"pid": os.getpid(), "trace": str(context.trace_id), "span": str(context.span_id)}


@app.task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task
def number(value: int) -> int:
    return value


@app.task(soft_time_limit=1)
def slow() -> None:
    time.sleep(30)


@app.task
def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(time_limit=1)
def stuck() -> None:
    time.sleep(30)
