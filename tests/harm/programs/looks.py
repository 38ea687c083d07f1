"""What a program may find out about the functions, classes and objects that are observed; each part prints what it found."""

# ruff: noqa: F821 - names are deleted on purpose

import asyncio
import copy
import functools
import gc
import inspect
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
