"""Collects garbage, forks a child that collects less of it, and waits for that; both record, the parent also before if told to."""

from __future__ import annotations

import gc
import os
import sqlite3
import sys
import time

PARENT, CHILD = 60, 5


def record() -> None:
    sqlite3.connect(":memory:").execute("select 1")


if sys.argv[1] == "after":
    record()
    time.sleep(0.5)  # the worker has begun
for _ in range(PARENT):
    gc.collect()
time.sleep(0.3)
child = os.fork()
if not child:
    record()
    time.sleep(0.5)
    for _ in range(CHILD):
        gc.collect()
    time.sleep(0.5)
    sys.exit()
os.waitpid(child, 0)
record()
