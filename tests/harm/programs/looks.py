"""What a program may find out about the functions, classes and objects that are observed; each part prints what it found."""

# ruff: noqa: F821 - names are deleted on purpose

import asyncio
import contextlib
import copy
import functools
import gc
import inspect
import io
import json
import logging
import logging.handlers
import os
import pickle
import sqlite3
import sys
import tempfile
import threading
import traceback
import unittest.mock
import urllib.request
import warnings
import weakref


def told(what):
    """Print what a call answers or raises."""
    try:
        return repr(what())
    except BaseException as error:
        return f"{type(error).__qualname__}: {error}"


def functions():
    """Everything that `inspect` says of what is observed, here and in third-party libraries that are installed."""
    import http.client
    import selectors

    import redis
    import requests
    import urllib3
    from sqlalchemy import create_engine

    found = [
        sqlite3.connect, logging.Handler.handle, logging.Handler.format, logging.Logger.handle, logging.Logger.callHandlers,
        logging.Formatter.format, http.client.HTTPConnection.request, http.client.HTTPConnection.getresponse,
        http.client.HTTPConnection.putrequest, urllib.request.OpenerDirector.open, asyncio.run, asyncio.BaseEventLoop.run_forever,
        selectors.DefaultSelector.select, functools.lru_cache, functools.cache, threading.Thread.start, threading.Thread.run,
        redis.Redis.execute_command, redis.client.Pipeline.execute,
        requests.Session.send, requests.Session.request, requests.get, urllib3.PoolManager.urlopen,
        urllib3.HTTPConnectionPool.urlopen, create_engine, os.fork, os.execv, os._exit,
        __import__("signal").signal, __import__("signal").getsignal,
    ]  # fmt: skip
    for each in found:
        print(
            getattr(each, "__module__", ""),
            each.__qualname__,
            each.__name__,
            told(lambda each=each: inspect.signature(each)),
        )
        print(inspect.isfunction(each), inspect.isroutine(each), inspect.iscoroutinefunction(each), callable(each))
        print(told(lambda each=each: inspect.getdoc(each)[:60]), told(lambda each=each: inspect.getsourcelines(each)[1]))
        print(
            told(lambda each=each: pickle.loads(pickle.dumps(each)) is each), told(lambda each=each: copy.deepcopy(each) is each)
        )
        print(told(lambda each=each: sorted(getattr(each, "__annotations__", ()))), hash(each) == hash(each))
        print(told(lambda each=each: weakref.ref(each)() is each), functools.partial(each).func is each)


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


def frames():
    """What a library finds that looks at the frames of its callers."""

    class Connection(sqlite3.Connection):
        def execute(self, *arguments):
            caller = sys._getframe(1)
            print("called by", caller.f_code.co_name)
            warnings.warn("old", DeprecationWarning, stacklevel=2)
            return super().execute(*arguments)

    warnings.simplefilter("always")
    connection = sqlite3.connect(":memory:", factory=Connection)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        connection.execute("SELECT 1")
    print([(os.path.basename(each.filename), each.lineno > 0, each.category.__name__) for each in caught])
    try:
        connection.executescript("SELEC")
    except sqlite3.OperationalError:
        print(traceback.format_exc())
    try:
        urllib.request.urlopen("http://127.0.0.1:1/x", timeout=1)
    except OSError as error:
        print([(os.path.basename(each.filename), each.name) for each in traceback.extract_tb(error.__traceback__)])
    import requests

    session = requests.Session()
    session.trust_env = False
    try:
        session.get("http://127.0.0.1:1/x", timeout=1)
    except requests.ConnectionError as error:
        print([(os.path.basename(each.filename), each.name) for each in traceback.extract_tb(error.__traceback__)])
        print(type(error.__context__).__name__, error.__cause__, error.__suppress_context__)
    print([each.function for each in inspect.stack()])


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


def caches():
    calls = []

    @functools.lru_cache(maxsize=2)
    def squared(number: int) -> int:
        """Square it."""
        calls.append(number)
        return number * number

    @functools.cache
    def one():
        return []

    class Of:
        @functools.lru_cache
        def method(self, a=1):
            return a

        @functools.cached_property
        def late(self):
            return "late"

        @staticmethod
        @functools.lru_cache
        def still():
            return 1

    print(squared(2), squared(2), squared(3), squared(4), squared(2), calls, squared.cache_info(), squared.cache_parameters())
    squared.cache_clear()
    print(squared.cache_info(), squared.__wrapped__(3), squared.__doc__, inspect.signature(squared), type(squared).__name__)
    print(one() is one(), Of().method(), Of().method(a=2), Of.method.cache_info().misses, Of().late, Of.still(), Of().still())
    print(told(lambda: squared([])), told(lambda: squared()), isinstance(squared, functools._lru_cache_wrapper))
    print(
        told(lambda: pickle.loads(pickle.dumps(json.loads)) is json.loads),
        copy.copy(squared) is squared,
        copy.deepcopy(squared) is squared,
    )
    seen = weakref.ref(squared)
    del squared
    gc.collect()
    print(seen() is None)


def modules():
    """What stands in `sys` and in modules that a program may look through."""
    import http.client

    print(
        callable(sys.excepthook),
        sys.unraisablehook is sys.__unraisablehook__,
        callable(threading.excepthook),
    )
    print(
        sys.displayhook is sys.__displayhook__,
        sys.stdout is sys.__stdout__,
        sys.stderr is sys.__stderr__,
        sys.gettrace(),
        sys.getprofile(),
    )
    print(
        [each.name for each in threading.enumerate()],
        threading.active_count(),
        gc.get_threshold(),
        gc.isenabled(),
        sys.getrecursionlimit(),
    )
    print(
        sys.getswitchinterval(),
        warnings.filters == warnings.filters,
        sys.meta_path[-1],
        sys.path_hooks[-1].__qualname__,
        sys.dont_write_bytecode,
    )
    print(
        sorted(name for name in os.environ if name.startswith("PYTHON") and name != "PYTHONPATH"),
        tempfile.gettempdir() != "",
    )
    print(
        http.client.__spec__.name,
        type(http.client.__loader__).__name__,
        type(http.client.__spec__.loader).__name__,
        http.client.__file__ != "",
    )
    print(
        told(lambda: inspect.getmodule(sqlite3.connect)).split(" from ")[0],
        sqlite3.__spec__.submodule_search_locations is not None,
    )
    print(
        sorted(name for name in vars(sqlite3) if not name.startswith("__"))
        == sorted(name for name in dir(sqlite3) if not name.startswith("__"))
    )
    import importlib.util
    import pkgutil

    print(
        importlib.util.find_spec("sqlite3").origin == sqlite3.__file__, pkgutil.resolve_name("sqlite3:connect") is sqlite3.connect
    )
    print(pkgutil.get_data("sqlite3", "__init__.py")[:10], importlib.reload(json) is json)
    import locale
    import random
    import signal

    print(random.getstate() != random.Random(1).getstate(), locale.setlocale(locale.LC_ALL), os.getcwd() != "", os.umask(0o22))
    print(
        signal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.getsignal(signal.SIGPIPE), signal.set_wakeup_fd(-1)
    )
    print(
        signal.getitimer(signal.ITIMER_REAL),
        signal.pthread_sigmask(signal.SIG_BLOCK, []),
        signal.getsignal(signal.SIGTERM),
        signal.getsignal(signal.SIGHUP),
    )


def mocked():
    """What `unittest.mock` makes of what is observed."""
    for target in (
        "sqlite3.connect",
        "urllib.request.urlopen",
        "http.client.HTTPConnection.request",
        "logging.Logger.handle",
        "threading.Thread.start",
    ):
        module, _, name = target.rpartition(".")
        with unittest.mock.patch(target, autospec=True) as fake:
            print(target, type(fake).__name__, inspect.signature(fake))
        with unittest.mock.patch(target) as fake:
            print(type(fake).__name__)
    with unittest.mock.patch("sqlite3.connect") as fake:
        sqlite3.connect("a", timeout=3)
    print(fake.mock_calls, isinstance(sqlite3.connect(":memory:"), sqlite3.Connection))
    strict = unittest.mock.create_autospec(sqlite3.Connection)
    print(isinstance(strict, sqlite3.Connection), told(lambda: strict.execute()), told(lambda: strict.nothing))


globals()[sys.argv[1]]()
