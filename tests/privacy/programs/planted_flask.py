"""The places behind Flask."""

from __future__ import annotations

from flask import Flask, Response, jsonify, request
from opentelemetry import baggage
from places import PLACES

app = Flask(__name__)


@app.get("/places")
def places() -> Response:
    return jsonify(list(PLACES))


@app.post("/plant/<name>")
def plant(name: str) -> str:
    PLACES[name](request.get_json())
    return "planted"


@app.get("/inbound/<who>")
def inbound(who: str) -> Response:
    headers = {
        "x-note": request.headers.get("x-note", ""),
        "set-cookie": request.headers.get("cookie", ""),
        "location": request.headers.get("referer", ""),
    }
    return Response(f"{len(who)} {len(baggage.get_all())}", headers=headers)
