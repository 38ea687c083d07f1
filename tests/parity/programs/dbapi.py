"""A driver of the Python Database API: sqlite3, psycopg, psycopg2, pymysql, mysqlclient, mysql (pure), mysql-c."""

from __future__ import annotations

import importlib
import os
from typing import Any
from urllib.parse import urlsplit

from steps import NAMED, step

MODULES = {"mysqlclient": "MySQLdb", "mysql": "mysql.connector", "mysql-c": "mysql.connector"}
driver: Any = importlib.import_module(MODULES.get(NAMED, NAMED))


def connect() -> Any:
    """Connect to the driver's database."""
    if NAMED == "sqlite3":
        return driver.connect(":memory:")
    if NAMED.startswith("psycopg"):
        return driver.connect(os.environ["POSTGRES"])
    url = urlsplit(os.environ["MARIADB"])
    options = {"use_pure": NAMED == "mysql"} if NAMED.startswith("mysql") and NAMED != "mysqlclient" else {}
    return driver.connect(host=url.hostname, port=url.port or 3306, user=url.username, database=url.path.strip("/"), **options)


def main() -> None:
    """Do what a service does with a database."""
    mark = "?" if NAMED == "sqlite3" else "%s"
    connection = connect()
    cursor = connection.cursor()
    with step("create"):
        cursor.execute("CREATE TEMPORARY TABLE parity (number INTEGER, name VARCHAR(20))")
    with step("insert"):
        cursor.execute(f"INSERT INTO parity VALUES ({mark}, {mark})", (1, "milk"))
    with step("insert many"):
        cursor.executemany(f"INSERT INTO parity VALUES ({mark}, {mark})", [(2, "tea"), (3, "rum")])
    with step("select"):
        cursor.execute("SELECT number FROM parity WHERE name = 'milk'")
        cursor.fetchall()
    with step("update"):
        cursor.execute(f"UPDATE parity SET name = {mark} WHERE number > {mark}", ("rum", 1))
    with step("delete"):
        cursor.execute("DELETE FROM parity WHERE number > 9")
    with step("commit"):
        connection.commit()
    with step("no table", raises=driver.Error):
        cursor.execute("SELECT * FROM nothing_of_this_name")
    with step("rollback"):
        connection.rollback()
    with step("no statement", raises=driver.Error):
        cursor.execute("SELECTED")
    connection.rollback()
    cursor.close()
    connection.close()


main()
