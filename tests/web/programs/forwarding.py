"""Services that hand each request on to `NEXT`: FastAPI with httpx, Flask with requests."""

import os

import httpx
import requests
from fastapi import FastAPI
from flask import Flask

NEXT = os.environ["NEXT"]

fast = FastAPI()
flask = Flask(__name__)


@fast.get("/")
async def by_httpx() -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(NEXT)).text


@flask.get("/")
def by_requests() -> str:
    return requests.get(NEXT, timeout=10).text
