"""A request that lasts longer than spans wait to be sent; then some work that stays unfinished until the end."""

import sqlite3
import sys
import time

from opentelemetry import trace

tracer = trace.get_tracer("shop")
connection = sqlite3.connect(":memory:")
with tracer.start_as_current_span("request"):
    for number in range(3):
        connection.execute(f"CREATE TABLE t{number} (a)")
        time.sleep(0.3)
time.sleep(0.5)
sys.stdout.write("request done\n")
sys.stdout.flush()
unfinished = tracer.start_span("unfinished")
with trace.use_span(unfinished):
    connection.execute("SELECT 1")
time.sleep(0.5)
