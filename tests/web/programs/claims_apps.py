"""Services that verify the token of each request, as the documentation of their frameworks does it, and log what they do."""

import logging
import os
import sqlite3
import sys
from pathlib import Path
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from flask import Flask, abort, request

logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
log = logging.getLogger("shop")
KEY = Path(os.environ["SHOP_KEY"]).read_text()
asgi = FastAPI()
wsgi = Flask(__name__)


def verified(token: str) -> Any:
    log.info("began")
    return jwt.decode(token, KEY, algorithms=["RS256"], audience="shop")


def serve(user: Any) -> str:
    sqlite3.connect(":memory:").execute("SELECT 1")
    log.info("step")
    return str(user["sub"])


def sees(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> Any:
    """Run in a thread of the pool, since it is no coroutine."""
    try:
        return verified(credentials.credentials)
    except jwt.PyJWTError as error:
        log.info("refused")
        raise HTTPException(401) from error


@asgi.get("/")
async def order(user: Annotated[Any, Depends(sees)]) -> str:
    return serve(user)


@wsgi.get("/")
def ordered() -> str:
    try:
        user = verified(request.headers["Authorization"].removeprefix("Bearer "))
    except jwt.PyJWTError:
        log.info("refused")
        abort(401)
    return serve(user)
