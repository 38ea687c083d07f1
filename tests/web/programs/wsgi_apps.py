"""Applications for WSGI servers: Flask with blueprints, bare and mounted."""

import time
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

app = Flask(__name__)
orders = Blueprint("orders", __name__, url_prefix="/orders")


@app.get("/plain")
def plain() -> str:
    return "plain"


@app.get("/items/<int:item>")
def item(item: int) -> str:
    return str(item)


@app.get("/fails")
def fails() -> None:
    message = "nobody handles this"
    raise ValueError(message)


@app.get("/refused")
def refused() -> tuple[str, int]:
    return "not now", 503


@app.get("/stream")
def stream() -> Response:
    def parts() -> Iterator[bytes]:
        for _ in range(3):
            time.sleep(0.1)
            yield b"part"

    return Response(parts())


@app.get("/slow")
def slow() -> str:
    time.sleep(float(request.args.get("seconds", "1")))
    return "slow"


@orders.get("/<order>/lines")
def lines(order: str) -> str:
    return order


app.register_blueprint(orders)
mounted = DispatcherMiddleware(app, {"/mounted": app})
