"""SQLAlchemy over psycopg, psycopg2 or PyMySQL, or by coroutines over asyncpg."""

from __future__ import annotations

import asyncio
import os

import sqlalchemy
from sqlalchemy import exc, orm, text
from sqlalchemy.ext import asyncio as aio
from steps import NAMED, step

URL = sqlalchemy.make_url(os.environ["MARIADB" if NAMED == "pymysql" else "POSTGRES"])
URL = URL.set(drivername=f"{URL.get_backend_name()}+{NAMED}")


class Base(orm.DeclarativeBase):
    """What tables are made of."""


class Thing(Base):
    """A table of one session."""

    __tablename__ = "parity"
    __table_args__ = {"prefixes": ["TEMPORARY"]}  # noqa: RUF012 - SQLAlchemy's own
    number: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(20))


def work(connection: sqlalchemy.Connection) -> None:
    """Do what a service does with a database."""
    with step("create"):
        Base.metadata.create_all(connection, checkfirst=False)
    with step("insert"):
        connection.execute(sqlalchemy.insert(Thing).values(number=1, name="milk"))
    with step("insert many"):
        connection.execute(text("INSERT INTO parity VALUES (:number, :name)"), [{"number": n, "name": "tea"} for n in (2, 3)])
    with step("select"):
        connection.execute(sqlalchemy.select(Thing.number).where(Thing.name == "milk")).all()
    with step("text"):
        connection.execute(text("SELECT number FROM parity WHERE name = 'milk'")).all()
    with step("orm"), orm.Session(connection) as session:
        session.get(Thing, 1)
    with step("no table", raises=exc.DBAPIError), connection.begin_nested():
        connection.execute(text("SELECT * FROM nothing_of_this_name"))


async def coroutines() -> None:
    """Work by an engine of coroutines."""
    engine = aio.create_async_engine(URL)
    async with engine.connect() as connection:
        await connection.run_sync(work)
    await engine.dispose()


if NAMED == "asyncpg":
    asyncio.run(coroutines())
else:
    engine = sqlalchemy.create_engine(URL)
    with step("connect"):
        engine.connect().close()
    with engine.connect() as connection:
        work(connection)
    engine.dispose()
