"""A FastAPI service whose own telemetry would count by the API, under an instrumentor of upstream's for its client, and one request."""

import os
import sys
import threading
import time

import httpx
import uvicorn
from fastapi import FastAPI
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

HTTPXClientInstrumentor().instrument()
app = FastAPI()


@app.get("/items/{item}")
def item(item: int) -> dict[str, int]:
    return {"item": item}


server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
thread = threading.Thread(target=server.run)
thread.start()
while not server.started:
    time.sleep(0.01)
port = server.servers[0].sockets[0].getsockname()[1]
with httpx.Client() as client:
    sys.stdout.write(f"{client.get(f'http://127.0.0.1:{port}/items/1').status_code}\n")
server.should_exit = True
thread.join()
assert "OTEL_SEMCONV_STABILITY_OPT_IN" in os.environ
