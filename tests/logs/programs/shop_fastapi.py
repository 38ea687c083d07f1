"""FastAPI as it comes."""

import logging

from fastapi import FastAPI

app = FastAPI()


@app.get("/pay")
async def pay() -> str:
    logging.getLogger("uvicorn.error").warning("in /pay")
    return "paid"


@app.get("/fail")
def fail() -> str:
    raise ValueError("no money")
