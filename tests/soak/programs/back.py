"""A Flask service that asks Redis and a database for each request, and logs."""

import logging
import os
import sqlite3

import redis
from flask import Flask

logging.basicConfig(level=logging.INFO, filename=os.devnull)
log = logging.getLogger("back")
app = Flask(__name__)
cache = redis.Redis.from_url(os.environ["SOAK_REDIS"])


@app.get("/stock/<int:number>")
def stock(number: int) -> dict[str, int]:
    log.info("stock of %d", number)
    with sqlite3.connect(":memory:") as database:
        (count,) = database.execute("SELECT ? * 2", (number,)).fetchone()
    cache.set(f"soak:{number % 10}", count, ex=60)
    return {"number": number, "stock": count}
