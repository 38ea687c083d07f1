"""A celery worker with a task of two seconds."""

import os
import sqlite3
import time

from celery import Celery

app = Celery("tasks", broker=os.environ["REDIS"], backend=os.environ["REDIS"])
app.conf.task_default_queue = os.environ["QUEUE"]


@app.task
def slow() -> str:
    connection = sqlite3.connect(":memory:")
    connection.execute("SELECT 1").fetchall()
    connection.close()
    time.sleep(2)
    return "done"
