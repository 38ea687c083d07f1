"""A Quart application: blueprints, an exception that nobody handles, a websocket."""

from opentelemetry import trace
from quart import Blueprint, Quart, websocket

app = Quart(__name__)
orders = Blueprint("orders", __name__, url_prefix="/orders")


@app.get("/plain")
async def plain() -> str:
    return "plain"


@app.get("/sync/<name>")
def sync(name: str) -> str:
    return name


@app.get("/items/<int:item>")
async def items(item: int) -> str:
    return str(item)


@app.get("/fails")
async def fails() -> None:
    message = "nobody handles this"
    raise ValueError(message)


@app.get("/refused")
async def refused() -> tuple[str, int]:
    return "not now", 503


@app.get("/missing")
async def missing() -> None:
    raise LookupError


@app.errorhandler(LookupError)
async def not_there(_error: LookupError) -> tuple[str, int]:
    return "not there", 404


@orders.get("/<int:order>/lines/<int:line>")
async def lines(order: int, line: int) -> str:
    return str(order + line)


@app.websocket("/rooms/<room>")
async def room(room: str) -> None:
    await websocket.accept()
    with trace.get_tracer("shop").start_as_current_span("own work"):
        await websocket.send(f"{room} {await websocket.receive()}")
    await websocket.close(1000)


app.register_blueprint(orders)
