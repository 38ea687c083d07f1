"""asyncpg, by connections and a pool."""

from __future__ import annotations

import asyncio
import os

import asyncpg
from steps import step


async def main() -> None:
    """Do what a service does with a database."""
    connection = await asyncpg.connect(os.environ["POSTGRES"])
    with step("create"):
        await connection.execute("CREATE TEMPORARY TABLE parity (number INTEGER, name VARCHAR(20))")
    with step("insert"):
        await connection.execute("INSERT INTO parity VALUES ($1, $2)", 1, "milk")
    with step("insert many"):
        await connection.executemany("INSERT INTO parity VALUES ($1, $2)", [(2, "tea"), (3, "rum")])
    with step("select"):
        await connection.fetch("SELECT number FROM parity WHERE name = 'milk'")
    with step("row"):
        await connection.fetchrow("SELECT number FROM parity WHERE name = $1", "milk")
    with step("value"):
        await connection.fetchval("SELECT count(*) FROM parity")
    with step("prepared"):
        prepared = await connection.prepare("SELECT number FROM parity WHERE name = $1")
        await prepared.fetch("milk")
    with step("cursor"):
        async with connection.transaction():
            [row async for row in connection.cursor("SELECT number FROM parity")]
    with step("no table", raises=asyncpg.PostgresError):
        await connection.execute("SELECT * FROM nothing_of_this_name")
    await connection.close()
    async with asyncpg.create_pool(os.environ["POSTGRES"], min_size=1, max_size=1) as pool:
        with step("pool"):
            await pool.fetchval("SELECT 1")


asyncio.run(main())
