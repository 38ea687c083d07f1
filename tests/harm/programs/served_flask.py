"""The application of served.py with a framework, for servers that are written in C."""

from flask import Flask
from served import work

app = Flask(__name__)


@app.get("/<path:name>")
def answer(name: str) -> str:
    work(f"/{name}")
    return "ok"
