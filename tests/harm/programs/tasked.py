"""A worker of Celery's whose tasks write down that they are begun, and ended.

Run as a program it sends tasks with these names; with `wait` before them it waits until they are done.
"""

import os
import sys

from celery import Celery
from kombu import Exchange, Queue
from served import work

app = Celery("tasked", broker=os.environ["REDIS"], backend=os.environ["REDIS"])
app.conf.task_default_queue = queue = os.environ["QUEUE"]
app.conf.task_queues = [Queue(queue, Exchange(queue), routing_key=queue)]
app.conf.broker_connection_retry_on_startup = True
do = app.task(work, name="do")

if __name__ == "__main__":
    results = [do.apply_async((name,), task_id=f"{queue}.{name}") for name in sys.argv[1:] if name != "wait"]
    for result in results if "wait" in sys.argv else ():
        result.get(timeout=60)
