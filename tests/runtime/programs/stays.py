"""Records once, has the threads and open files that it is told to, and stays until its input ends."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading

threads, files, size = map(int, sys.argv[1:])
kept = [open(os.devnull) for _ in range(files)]  # noqa: SIM115, PTH123 - kept open
waiting = threading.Event()
for _ in range(threads):
    threading.Thread(target=waiting.wait, daemon=True).start()
memory = bytearray(os.urandom(1)) * size
sqlite3.connect(":memory:").execute("select 1")
sys.stdin.read()
