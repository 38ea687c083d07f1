"""Flask as it comes: its own logger, its own handler."""

import logging
import os

from flask import Flask

if os.environ.get("SHOP_LOGGING") == "basic":
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s")

app = Flask("shop")


@app.get("/pay")
def pay() -> str:
    app.logger.warning("in /pay")
    return "paid"


@app.get("/fail")
def fail() -> str:
    raise ValueError("no money")


def raw(environ, start_response):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - the interface of WSGI
    if environ["PATH_INFO"] == "/fail":
        raise ValueError("no money")
    logging.getLogger("shop").warning("in /pay")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"paid"]
