"""An application that records while it is loaded, and has a hook of its own for what uWSGI forks."""

import sqlite3
import sys

from flask import Flask

connection = sqlite3.connect(":memory:", check_same_thread=False)
connection.execute("SELECT 'loaded'")

import uwsgidecorators  # noqa: E402 - after we have chained our own hook, which it replaces

app = Flask(__name__)


@uwsgidecorators.postfork
def forked() -> None:
    sys.stdout.write("forked a worker\n")
    sys.stdout.flush()


@app.get("/items/<int:item>")
def item(item: int) -> str:
    connection.execute("SELECT 'served'")
    return str(item)
