"""The stock service's web application."""

import logging

from flask import Flask, abort

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
logger = logging.getLogger("stock")

PIECES = {1: 12, 2: 140, 3: 7, 4: 0}

app = Flask(__name__)


@app.get("/health")
def health() -> dict[str, str]:
    """Say that the service is up."""
    return {"status": "ok"}


@app.get("/stock/<int:product>")
def show_stock(product: int) -> dict[str, int]:
    """Return how many pieces of a product there are."""
    if product not in PIECES:
        abort(404)
    logger.info("%d pieces of product %d", PIECES[product], product)
    return {"product": product, "available": PIECES[product]}
