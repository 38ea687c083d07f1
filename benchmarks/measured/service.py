"""The measured service: one endpoint a kind of work, and not a line about telemetry."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import redis.asyncio
from fastapi import FastAPI
from sqlalchemy import String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool

logging.basicConfig(level=logging.INFO, handlers=[logging.StreamHandler(open(os.devnull, "w"))])  # noqa: PTH123, SIM115 - formatted, not seen
for chatty in ("httpx", "httpcore"):
    logging.getLogger(chatty).setLevel(logging.WARNING)
logger = logging.getLogger("bench")

UPSTREAM = f"http://127.0.0.1:{os.environ['BENCH_UPSTREAM_PORT']}/"


class Base(DeclarativeBase):
    """The only table."""


class Plant(Base):
    """Something that has a name."""

    __tablename__ = "plants"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))


engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add_all(Plant(id=number, name=f"plant {number}") for number in range(1, 51))
    session.commit()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold one client of each kind."""
    app.state.cache = redis.asyncio.Redis(port=int(os.environ["BENCH_REDIS_PORT"]))
    async with httpx.AsyncClient() as app.state.http:
        yield
    await app.state.cache.aclose()


app = FastAPI(lifespan=lifespan)


def plant(number: int) -> str:
    """Return a name: one statement."""
    with engine.connect() as connection:
        return str(connection.execute(select(Plant.name).where(Plant.id == number)).scalar_one())


@app.get("/plain")
async def plain() -> dict[str, str]:
    """Do nothing."""
    return {"status": "ok"}


@app.get("/db")
async def database() -> dict[str, str]:
    """Run one statement."""
    return {"plant": plant(17)}


@app.get("/redis")
async def cache() -> dict[str, bool]:
    """Run one command."""
    return {"known": await app.state.cache.get("plant:17") is not None}


@app.get("/http")
async def upstream() -> dict[str, int]:
    """Make one request."""
    return {"status": (await app.state.http.get(UPSTREAM)).status_code}


@app.get("/mix")
async def mix() -> dict[str, object]:
    """Do all of it, with two log lines."""
    logger.info("looking for plant %d", 17)
    name = plant(17)
    known = await app.state.cache.get("plant:17")
    status = (await app.state.http.get(UPSTREAM)).status_code
    logger.info("found %s, upstream said %d", name, status)
    return {"plant": name, "known": known is not None, "status": status}
