"""What a program may find out about connections of sqlite3, logging and asyncio; each part prints what it found."""

# ruff: noqa: F821 - names are deleted on purpose

import asyncio
import contextlib
import copy
import gc
import io
import logging
import logging.handlers
import pickle
import sqlite3
import sys
import threading
import unittest.mock
import warnings
import weakref


def told(what):
    """Print what a call answers or raises."""
    try:
        return repr(what())
    except BaseException as error:
        return f"{type(error).__qualname__}: {error}"


def sqlite():
    connection = sqlite3.connect(":memory:")
    cursor = connection.cursor()
    print(isinstance(connection, sqlite3.Connection), isinstance(cursor, sqlite3.Cursor))
    print(cursor.connection is connection, cursor.execute("SELECT 1") is cursor, cursor.execute("SELECT 1").fetchall())
    print(
        connection.execute("SELECT 1").connection is connection,
        told(lambda: pickle.dumps(connection)),
        told(lambda: copy.copy(cursor)),
    )

    class Row(sqlite3.Row):
        pass

    class Cursor(sqlite3.Cursor):
        def execute(self, sql, *arguments):
            return super().execute(sql, *arguments)

    class Connection(sqlite3.Connection):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            self.row_factory = Row

        def cursor(self, factory=Cursor):
            return super().cursor(factory)

    own = sqlite3.connect(":memory:", factory=Connection)
    print(type(own) is Connection or issubclass(type(own), Connection), type(own).__name__, type(own.cursor()).__name__)
    print(tuple(own.execute("SELECT 1, 2").fetchone()), type(own.execute("SELECT 1").fetchone()) is Row)
    print(isinstance(own.cursor(), Cursor), own.cursor().execute("SELECT 3").fetchone()[0])
    connection.execute("CREATE TABLE t (a)")
    with connection:
        connection.executemany("INSERT INTO t VALUES (?)", ((n,) for n in range(5)))
    print(told(lambda: connection.executescript("SELECT 1; SELECT 2").fetchall()), connection.total_changes)
    other = sqlite3.connect(":memory:")
    connection.backup(other)
    print(other.execute("SELECT count(*) FROM t").fetchone(), sum(1 for _ in connection.iterdump()))
    connection.create_function("twice", 1, lambda x: 2 * x)
    print(connection.execute("SELECT twice(a) FROM t WHERE a > :a", {"a": 2}).fetchall(), connection.in_transaction)
    print(
        told(lambda: connection.execute("SELECT twice('a', 1)")),
        told(lambda: connection.execute("SELEC")),
        told(lambda: connection.execute(1)),
    )
    print(
        told(lambda: connection.execute("SELECT ?", ())),
        told(connection.execute),
        told(lambda: connection.execute("SELECT 1", nothing=1))[:9],
    )
    connection.set_trace_callback(lambda text: print("traced", text))
    connection.execute("SELECT 9")
    print(weakref.ref(cursor)() is cursor, sys.getsizeof(cursor) > 0)
    print(
        sqlite3.connect.__doc__ is not None,
        told(lambda: sqlite3.connect()),
        told(lambda: sqlite3.connect(":memory:", 1, 2, 3, 4, 5, 6, 7, 8, 9)),
    )
    seen = weakref.ref(cursor)
    connection.set_trace_callback(None)
    del connection, cursor
    gc.collect()
    print(seen() is None, repr(other).split(" at ")[0], str(type(other)), type(other).__module__)
    with contextlib.closing(sqlite3.connect(":memory:")) as closed:
        pass
    print(told(lambda: closed.execute("SELECT 1")), told(lambda: closed.cursor()))
    thread = threading.Thread(
        target=lambda: print(
            told(lambda: other.execute("SELECT 1")).replace(str(threading.get_ident()), "N").split(" and ")[0][:60]
        )
    )
    thread.start()
    thread.join()


def log():
    stream = io.StringIO()
    print(logging.root.handlers, logging.root.level, logging.getLogRecordFactory() is logging.LogRecord, logging.lastResort)
    logging.basicConfig(
        stream=stream, format="%(levelname)s:%(name)s:%(filename)s:%(lineno)d:%(funcName)s:%(message)s", level=logging.DEBUG
    )
    print(len(logging.root.handlers), type(logging.root.handlers[0]).__name__, logging.getLoggerClass() is logging.Logger)
    old = logging.getLogRecordFactory()

    def factory(*arguments, **named):
        record = old(*arguments, **named)
        record.custom = 1
        return record

    logging.setLogRecordFactory(factory)
    print(logging.getLogRecordFactory() is factory)

    class Kept(logging.Handler):
        def __init__(self):
            super().__init__()
            self.buffer = []

        def emit(self, record):
            self.buffer.append(record)

    class Own(logging.Logger):
        def info(self, message, *arguments, **named):
            super().info("own " + message, *arguments, **{"stacklevel": 2, **named})

    logging.setLoggerClass(Own)
    logging.getLogger("own").info("hello %s", "you")
    logging.setLoggerClass(logging.Logger)
    kept = Kept()
    logger = logging.getLogger("memory")
    logger.addHandler(kept)
    logger.debug("a %(b)s", {"b": 1}, extra={"more": 2})
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("failed")
    logger.log(5, "not seen")
    print([sorted(set(vars(record)) - {"taskName"}) for record in kept.buffer])
    copied = pickle.loads(pickle.dumps(logging.makeLogRecord({**vars(kept.buffer[0])})))
    print(copied.getMessage(), copied.__dict__ == kept.buffer[0].__dict__, kept.buffer[1].exc_info[0])
    print(pickle.loads(pickle.dumps(logger)) is logger, copy.copy(logger) is logger, logger.handlers == [kept])
    logging.captureWarnings(True)
    warnings.warn("captured", stacklevel=1)
    logging.captureWarnings(False)
    adapter = logging.LoggerAdapter(logger, {"a": 1})
    adapter.info("adapted")
    with unittest.mock.patch.object(logging.Logger, "info", autospec=True) as mocked:
        logger.info("mocked %d", 1)
    print(mocked.call_args == unittest.mock.call(logger, "mocked %d", 1))
    broken = logging.StreamHandler(None)
    broken.stream = None
    logger.addHandler(broken)
    logging.raiseExceptions = False
    logger.info("%d", "no number")
    print(stream.getvalue())


def loops():
    """What asyncio shows of itself."""

    async def generator():
        try:
            yield 1
            yield 2
        finally:
            print("closed")

    async def nested():
        task = asyncio.current_task()
        print(task.get_name(), type(task).__name__, type(asyncio.get_running_loop()).__name__, task.get_coro().__qualname__)
        print([each.f_code.co_name for each in task.get_stack()][-3:])
        print(len(asyncio.all_tasks()), asyncio.get_running_loop().get_debug())
        async for one in generator():
            break
        return await asyncio.to_thread(lambda: threading.current_thread().name[:8])

    async def cancelled():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError as error:
            print("cancelled", error.args)
            raise

    async def main():
        print(await asyncio.create_task(nested(), name="nested"))
        task = asyncio.create_task(cancelled())
        await asyncio.sleep(0)
        task.cancel("why")
        print(await asyncio.gather(task, return_exceptions=True))
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(cancelled(), 0.01)
        failed = asyncio.create_task(asyncio.wait_for(asyncio.sleep(1), -1))
        await asyncio.sleep(0.01)
        del failed
        gc.collect()
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "said"})
        print(type(loop._selector).__name__ if hasattr(loop, "_selector") else "", loop.time() > 0)

    asyncio.run(main(), debug=False)
    print(type(asyncio.get_event_loop_policy()).__name__, told(asyncio.get_running_loop))


globals()[sys.argv[1]]()
