"""The places behind FastAPI."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from opentelemetry import baggage
from places import PLACES

app = FastAPI()


@app.get("/places")
def places() -> list[str]:
    return list(PLACES)


@app.post("/plant/{name}")
def plant(name: str, values: dict[str, str]) -> str:
    PLACES[name](values)
    return "planted"


@app.get("/inbound/{who}")
async def inbound(who: str, request: Request, response: Response) -> str:
    response.headers["x-note"] = request.headers.get("x-note", "")
    response.headers["set-cookie"] = request.headers.get("cookie", "")
    response.headers["location"] = request.headers.get("referer", "")
    return f"{len(who)} {len(baggage.get_all())}"
