"""Where a service may put a value: each place is a function of the values, run inside a request.

What raises does so on purpose. The values come with the request, so that no line of this program holds one.
"""

from __future__ import annotations

import asyncio
import builtins
import json
import logging
import os
import socket
import sqlite3
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import redis
import redis.asyncio
import requests
import sqlalchemy
from opentelemetry import baggage, context, trace

if TYPE_CHECKING:
    from collections.abc import Callable

Values = dict[str, str]
PLACES: dict[str, Callable[[Values], Any]] = {}
LOG = logging.getLogger("shop")
TRACER = trace.get_tracer("shop")
EXTERNAL = "plants.example.com"
TABLE = "telemetry_planted"
_OTHER = os.environ["OTHER_URL"]
_REDIS = os.environ["REDIS_URL"]
_DATABASES = {
    "sqlite": "sqlite://",
    "postgres": os.environ["POSTGRES_URL"].replace("postgresql://", "postgresql+psycopg://"),
    "mariadb": os.environ["MARIADB_URL"].replace("mysql://", "mysql+pymysql://"),
}
_resolve = socket.getaddrinfo


def _resolved(host: Any, *args: Any, **kwargs: Any) -> Any:
    """Let a host of the outside world be this one."""
    return _resolve("127.0.0.1" if host == EXTERNAL else host, *args, **kwargs)


socket.getaddrinfo = _resolved


def place(function: Callable[[Values], Any]) -> Callable[[Values], Any]:
    """Let a function be a place, by its name."""
    PLACES[function.__name__] = function
    return function


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- databases --------------------------------------------------------------------------------------------------------


def _database(name: str, url: str) -> None:  # noqa: C901 - a place each
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.StaticPool if name == "sqlite" else None)

    def run(statement: str, parameters: Any = None) -> None:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text(f"create table if not exists {TABLE} (a varchar(900), n integer, unique (a))"))
            connection.execute(sqlalchemy.text(f"delete from {TABLE}"))
            if parameters is None:
                connection.exec_driver_sql(statement)
            else:
                connection.execute(sqlalchemy.text(statement), parameters)

    def literal(values: Values) -> None:
        run(f"select a from {TABLE} where a in ({_quoted(values['marker'])}, {_quoted(values['sentence'])})")

    def parameter(values: Values) -> None:
        run(f"select a from {TABLE} where a in (:a, :b)", {"a": values["marker"], "b": values["sentence"]})

    def batch(values: Values) -> None:
        run(f"insert into {TABLE} (a) values (:a)", [{"a": values["marker"]}, {"a": values["sentence"]}])

    def comment(values: Values) -> None:
        run(f"select 1 /* {values['marker']} {values['one_line']} */ -- {values['one_line']}\n")

    def unique(values: Values) -> None:
        rows = [{"a": f"{values['marker']}\n{values['sentence']}"[:900]}] * 2
        run(f"insert into {TABLE} (a, n) values (:a, 1)", rows)

    def unique_literal(values: Values) -> None:
        value = _quoted(values["marker"])
        run(f"insert into {TABLE} (a, n) values ({value}, 1), ({value}, 2)")

    def syntax(values: Values) -> None:
        run(f"select {_quoted(values['marker'])} fro {_quoted(values['sentence'])} {_quoted(values['marker'])} where")

    def unterminated(values: Values) -> None:
        run(f"select '{values['marker']}")

    def data(values: Values) -> None:
        run(f"insert into {TABLE} (n) values (:n)", {"n": values["marker"]})

    def data_literal(values: Values) -> None:
        run(f"update {TABLE} set n = {_quoted(values['marker'])} + 1")
        run(f"insert into {TABLE} (n) values ({_quoted(values['marker'])})")

    def refused(values: Values) -> None:
        if name == "sqlite":
            sqlite3.connect(f"/nonexistent/{values['password']}.db?password={values['password']}")
        scheme = url.partition("://")[0]
        bad = sqlalchemy.create_engine(f"{scheme}://{values['marker']}:{values['password']}@127.0.0.1:1/shop")
        LOG.warning("trying %s", f"{scheme}://{values['marker']}:{values['password']}@127.0.0.1:1/shop")
        bad.connect()

    for function in (
        literal,
        parameter,
        batch,
        comment,
        unique,
        unique_literal,
        syntax,
        unterminated,
        data,
        data_literal,
        refused,
    ):
        PLACES[f"{name}_{function.__name__}"] = function


for _name, _url in _DATABASES.items():
    _database(_name, _url)


@place
def psycopg_direct(values: Values) -> None:
    with psycopg.connect(os.environ["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(f"select '{values['marker']}', %s -- {values['one_line']}", (values["sentence"],))
        connection.execute(f"do $$ begin perform '{values['marker']}'; end $$")
        cursor = connection.cursor()
        cursor.executemany("select %s", [(values["marker"],), (values["sentence"],)])
        with connection.cursor().copy(f"copy (select '{values['marker']}') to stdout") as copy:
            list(copy)
        with connection.transaction(force_rollback=True):
            connection.execute(f"create role telemetry_planted password '{values['password']}'")
            connection.execute(f"comment on role telemetry_planted is '{values['marker']}'")


@place
def psycopg_cast(values: Values) -> None:
    with psycopg.connect(os.environ["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute("select %s::int", (f"{values['marker']}\n{values['sentence']}",))


@place
def psycopg_raised(values: Values) -> None:
    with psycopg.connect(os.environ["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(f"do $$ begin raise exception '%', {_quoted(values['sentence'])}; end $$")


@place
def sqlite_direct(values: Values) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"select '{values['marker']}', ? -- {values['one_line']}", (values["sentence"],))
    connection.executescript(f"create table t (a unique); insert into t values ('{values['marker']}');")
    connection.execute(f"insert into t values ('{values['marker']}')")


# --- Redis ------------------------------------------------------------------------------------------------------------


@place
def redis_values(values: Values) -> None:
    client = redis.Redis.from_url(_REDIS)
    client.set("telemetry:planted", values["marker"] + values["sentence"], ex=5)
    client.hset("telemetry:hash", mapping={"password": values["password"], "note": values["marker"]})
    client.eval("return ARGV[1]", 0, values["marker"])
    client.eval(f"return '{values['marker']}'", 0)
    client.publish("telemetry", values["sentence"])
    client.client_setname(values["marker"])
    client.delete("telemetry:planted", "telemetry:hash")


@place
def redis_key(values: Values) -> None:
    redis.Redis.from_url(_REDIS).get(f"user:{values['email']}:{values['jwt']}")


@place
def redis_auth(values: Values) -> None:
    redis.Redis.from_url(_REDIS).execute_command("AUTH", values["marker"], values["password"])


@place
def redis_login(values: Values) -> None:
    redis.Redis.from_url(_REDIS.replace("://", f"://{values['marker']}:{values['password']}@")).ping()


@place
def redis_unknown(values: Values) -> None:
    redis.Redis.from_url(_REDIS).execute_command("NONESUCH", values["marker"], values["sentence"])


@place
def redis_pipeline(values: Values) -> None:
    client = redis.Redis.from_url(_REDIS)
    with client.pipeline(transaction=False) as pipeline:
        pipeline.set("telemetry:planted", values["marker"], ex=5)
        pipeline.lpush("telemetry:planted", values["marker"], values["sentence"])
        pipeline.execute()


@place
def redis_script(values: Values) -> None:
    redis.Redis.from_url(_REDIS).eval(f"retu {values['marker']}", 0)


@place
def redis_async(values: Values) -> None:
    async def go() -> None:
        client = redis.asyncio.Redis.from_url(_REDIS)
        await client.set("telemetry:planted", values["marker"] + values["sentence"], ex=5)
        try:
            async with client.pipeline() as pipeline:
                pipeline.lpush("telemetry:planted", values["marker"])
                await pipeline.execute()
        finally:
            await client.aclose()

    asyncio.run(go())


# --- HTTP clients -----------------------------------------------------------------------------------------------------


def _url(values: Values, base: str = _OTHER) -> str:
    host = base.partition("://")[2]
    query = str(httpx.QueryParams({"token": values["marker"], "note": values["one_line"], "page": "2"}))
    return f"http://{values['marker']}:{values['password']}@{host}/of/{values['email']}/{values['jwt']}?{query}#access_token={values['marker']}"


def _headers(values: Values) -> dict[str, str]:
    return {
        "authorization": f"Bearer {values['marker']}",
        "cookie": f"session={values['marker']}",
        "x-api-key": values["marker"],
        "x-note": values["one_line"],
        "user-agent": f"shop of {values['email']}",
        "referer": f"https://shop.example/?token={values['marker']}&mail={values['email']}",
    }


@place
def httpx_url_and_headers(values: Values) -> None:
    httpx.get(_url(values), headers=_headers(values))


@place
def httpx_status(values: Values) -> None:
    httpx.get(_url(values).replace("/of/", "/missing/")).raise_for_status()


@place
def httpx_refused(values: Values) -> None:
    httpx.get(_url(values, "http://127.0.0.1:1"))


@place
def httpx_async(values: Values) -> None:
    async def go() -> None:
        async with httpx.AsyncClient() as client:
            await client.post(_url(values), headers=_headers(values), json=values)

    asyncio.run(go())


@place
def requests_url_and_headers(values: Values) -> None:
    requests.get(_url(values), headers=_headers(values), timeout=5)


@place
def requests_status(values: Values) -> None:
    requests.get(_url(values).replace("/of/", "/missing/"), timeout=5).raise_for_status()


@place
def requests_refused(values: Values) -> None:
    requests.get(_url(values, "http://127.0.0.1:1"), timeout=5)


@place
def baggage_to_outside(values: Values) -> None:
    token = context.attach(baggage.set_baggage("note", values["one_line"], baggage.set_baggage("marker", values["marker"])))
    try:
        port = _OTHER.rpartition(":")[2]
        httpx.get(f"http://{EXTERNAL}:{port}/outside")
        requests.get(f"http://{EXTERNAL}:{port}/outside", timeout=5)
    finally:
        context.detach(token)


# --- exceptions -------------------------------------------------------------------------------------------------------


class RejectedError(Exception):
    """With a value that its text shows."""

    def __init__(self, customer: Values) -> None:
        super().__init__(f"rejected {customer['sentence']}")
        if hasattr(self, "add_note"):
            self.add_note(f"noted {customer['sentence']}")


def _refuse(values: Values) -> None:
    raise ValueError(values["sentence"])


@place
def exception(values: Values) -> None:
    raise RejectedError(values)


@place
def exception_chained(values: Values) -> None:
    try:
        try:
            _refuse(values)
        except ValueError as error:
            raise KeyError({"password": values["password"], "mail": values["email"]}) from error
    except KeyError:
        raise RejectedError(values)  # noqa: B904 - a context, not a cause


@place
def exception_group(values: Values) -> None:
    group = getattr(builtins, "ExceptionGroup", None)  # from 3.11 on
    if group is None:
        raise ValueError(values["sentence"])
    raise group(values["sentence"], [ValueError(values["sentence"]), group("inner", [RejectedError(values)])])


@place
def exception_repr(values: Values) -> None:
    raise ValueError(repr(ValueError(json.dumps({"password": values["password"], "text": values["sentence"]}))))


# --- log lines --------------------------------------------------------------------------------------------------------


@place
def log_lines(values: Values) -> None:
    LOG.info("of %s and %r", values["sentence"], {name: value for name, value in values.items() if name != "marker"})
    LOG.info(f"of {values['sentence']}")  # noqa: G004 - what is tested
    LOG.warning("%(who)s", {"who": values["sentence"]})
    LOG.error("with extra", extra={"given": values["sentence"]})
    LOG.info(json.dumps({"text": values["sentence"], "password": values["password"], "nested": {"token": values["password"]}}))
    try:
        _refuse(values)
    except ValueError as error:
        LOG.exception("while at it")
        LOG.warning("by hand: %r", error, exc_info=error)
    LOG.info("stack", stack_info=True)


# --- the OpenTelemetry API --------------------------------------------------------------------------------------------


@place
def api(values: Values) -> None:
    text = values["sentence"]
    other = trace.SpanContext(1, 2, is_remote=True, trace_state=trace.TraceState([("vendor", values["email"])]))
    links = [trace.Link(other, {"note": text})]
    with trace.get_tracer(f"library of {values['email']}").start_as_current_span(f"work for {text}", links=links) as span:
        span.set_attribute("note", text)
        span.set_attribute("password", values["password"])
        span.set_attribute("card", int(values["card"].replace(" ", "")))
        span.set_attribute("customer.phone", values["phone"].replace(" ", "").replace("+", ""))
        span.set_attribute("customer.ssn", values["ssn"].replace("-", ""))
        span.set_attribute("notes", [text, "x", values["email"]])
        span.set_attribute("mapping", {"password": values["password"], "deep": [{"token": values["password"], "note": text}]})
        span.set_attribute("bytes", text.encode())
        span.set_attribute(f"visits of {values['email']}", 1)
        span.set_attribute("object", _Object(text))
        span.set_attribute("db.statement", f"do $$ begin perform '{values['marker']}'; end $$")
        span.set_attribute("db.statement.parameters", f"('{values['marker']}',)")
        span.set_attribute("http.url", _url(values))
        span.set_attribute("url.fragment", f"token={values['marker']}")
        span.add_event(f"event for {text}", {"note": text, "secret": values["password"]})
        span.record_exception(ValueError(text), {"note": text})
        span.set_status(trace.StatusCode.ERROR, f"failed for {text}")
        span.update_name(f"{text} is its name")
    trace.get_current_span().update_name(f"request of {values['email']}")


class _Object:
    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def set_up() -> None:
    """Log as services do, and bring in whatever else the environment asks for."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(levelname)s %(name)s %(message)s %(given)s",
        force=True,
    )
    for handler in logging.getLogger().handlers:
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s %(given)s", defaults={"given": ""}))
    if os.environ.get("UPSTREAM"):
        from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
        from opentelemetry.instrumentation.redis import RedisInstrumentor
        from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

        for instrumentor in (HTTPXClientInstrumentor(), RedisInstrumentor(), SQLAlchemyInstrumentor()):
            instrumentor.instrument(skip_dep_check=True)
    seen = os.environ.get("SEEN")
    if seen:
        from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

        class Writing(SpanProcessor):
            def on_end(self, span: ReadableSpan) -> None:
                with open(seen, "a", encoding="utf-8") as file:  # noqa: PTH123 - as short as it gets
                    file.write(f"{span.to_json()}\n{span.links}\n{span.instrumentation_scope}\n{span.parent}\n{span.context}\n")

        trace.get_tracer_provider().add_span_processor(Writing())


set_up()
