"""Bottle: rules, an application mounted below, exceptions that nobody handles."""

import sys
from collections.abc import Iterator

from bottle import Bottle, HTTPError, abort, run
from flask import Flask

app = Bottle()
inner = Bottle()
legacy = Flask("legacy")


@app.get("/plain")
def plain() -> str:
    return "plain"


@app.get("/items/<item:int>")
def items(item: int) -> str:
    return str(item)


@app.get("/fails")
def fails() -> None:
    message = "nobody handles this"
    raise ValueError(message)


@app.get("/breaks")
def breaks() -> Iterator[str]:
    message = "nobody handles this"
    raise ValueError(message)
    yield ""


@app.get("/refused")
def refused() -> None:
    abort(503, "not now")


@app.get("/returned")
def returned() -> HTTPError:
    return HTTPError(404, "not there", LookupError())


@inner.get("/things/<thing>")
def things(thing: str) -> str:
    return thing


@legacy.get("/pages/<int:page>")
def page(page: int) -> str:
    return str(page)


app.mount("/inner/", inner)
app.mount("/legacy/", legacy)

if __name__ == "__main__":
    run(app, host="127.0.0.1", port=int(sys.argv[1]), quiet=True)
