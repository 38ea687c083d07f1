"""Values that do harm to who looks at them: given to statements, lines, spans and exceptions; prints what the program saw of it."""

import logging
import sqlite3
import sys
import time

from opentelemetry import trace

logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
logging.raiseExceptions = False
tracer = trace.get_tracer("hostile")
calls = []


class Hostile:
    """A value that counts who looks at it, and raises."""

    def __init__(self, what):
        self.what = what

    def looked(self, *_):
        calls.append(self.what)
        raise self.what("looked at")

    __str__ = __repr__ = __len__ = __iter__ = __bool__ = __eq__ = __format__ = __int__ = __float__ = looked
    __hash__ = object.__hash__


class Strange(str):  # noqa: SLOT000 - as people write it
    def __str__(self):
        raise ValueError("no text")

    __repr__ = __format__ = encode = lower = strip = startswith = __str__


class Lazy:
    """A value that takes its time."""

    def __repr__(self):
        time.sleep(0.2)
        return "lazy"


class Liar:
    """A value that says that it is a text, and returns none."""

    __class__ = property(lambda _: str)

    def __str__(self):
        return 7  # noqa: PLE0307 - what it is about


def loops():
    around = {}
    around["self"] = [around, {"again": around}]
    return around


VALUES = [
    Hostile(ValueError), Hostile(RecursionError), Hostile(MemoryError), Strange("strange"), Lazy(), Liar(), loops(), "\ud800 lone", b"\xff\xfe",
    "nul \0 in it", "line\r\nbreak: x", "\x1b[31mred", "\u202eright to left", 10**5000, float("nan"), float("inf"), -0.0, 2**63, -(2**70), "x" * 100_000,
    [None], object, lambda: None, ..., NotImplemented, range(10**9), type("T", (), {"__slots__": ()})(), iter(()), {1: 2}, {"": ""}, (),
]  # fmt: skip


def attempt(what, *arguments, **named):
    """Print how a call ends."""
    try:
        result = what(*arguments, **named)
        print("well", type(result).__name__.replace("NonRecording", ""))
    except BaseException as error:
        print(type(error).__name__, *[ascii(each)[:80] for each in error.args])


def lines():
    logger = logging.getLogger("hostile")
    for value in VALUES:
        attempt(logger.warning, "value %.50s", value)
        attempt(logger.debug, "not printed %s", value)
        attempt(logger.error, value)
        attempt(logger.error, "extra", extra={"value": value, "": value} if value is not VALUES[15] else {})
    attempt(logger.error, "%(a)s %(b)s", {"a": VALUES[0], "b": 1})
    attempt(logger.error, "%s %s %s", 1)
    attempt(logger.error, "x" * 100_000)
    try:
        raise ValueError(VALUES[0], VALUES[3])
    except ValueError:
        attempt(logger.exception, "raised")


def statements():
    connection = sqlite3.connect(":memory:")
    for value in VALUES:
        attempt(connection.execute, "SELECT ?", (value,))
        attempt(connection.execute, value)
        attempt(connection.executemany, "SELECT 1", value)
    for text in (
        "SELECT '" + "x" * 10_000_000 + "'",
        "SELECT " + "(" * 500 + "1" + ")" * 500,
        "SELECT 1 --" + "-" * 10**6,
        "/*" * 10**5,
        "'" * 99_999,
        "\0",
        ";" * 10**5,
        "SELECT 'ü\ud800'",
    ):
        attempt(connection.execute, text)


def spans():
    for value in VALUES:
        with tracer.start_as_current_span("given") as span:
            attempt(span.set_attribute, "value", value)
            attempt(span.set_attribute, value, 1)
            attempt(span.set_attributes, {"list": [value, 1, "a"]})
            attempt(span.add_event, value, {"value": value})
            attempt(span.set_status, value)
            attempt(span.update_name, value)
            attempt(span.record_exception, ValueError(value))
            attempt(tracer.start_span, value)


def stack():
    """Use up the stack at every distance from the edge of a call that is observed."""
    connection = sqlite3.connect(":memory:")
    logger = logging.getLogger("deep")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    ended = []

    def descend(depth, work):
        if depth:
            descend(depth - 1, work)
        else:
            work()

    def errors():
        raise KeyError("own")

    for work in (lambda: connection.execute("SELECT 1").fetchone(), lambda: logger.warning("deep"), errors):
        for depth in range(sys.getrecursionlimit() - 80, sys.getrecursionlimit() + 5):
            try:
                descend(depth, work)
                ended.append("well")
            except (RecursionError, KeyError) as error:
                ended.append(type(error).__name__)
    print(sorted(set(ended)), ended[0], ended[-1], connection.execute("SELECT 2").fetchone())


def raised():
    """Raise what cannot be shown, from inside a span and to the end of the program."""

    class Unsayable(Exception):
        def __str__(self):
            raise RuntimeError("cannot be said")

        __repr__ = __str__

    for error in (
        Unsayable(),
        Unsayable,
        KeyboardInterrupt(),
        GeneratorExit(),
        SystemExit(VALUES[6]),
        Exception(VALUES[2]),
        StopIteration(1),
    ):
        try:
            with tracer.start_as_current_span("raises"):
                raise error
        except BaseException as caught:
            print(
                type(caught).__name__, caught is error, caught.__context__, caught.__cause__, getattr(caught, "__notes__", None)
            )
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    attempt(lambda: (_ for _ in ()).throw(first))
    chain = ValueError("deep")
    for number in range(5_000):
        deeper = ValueError(number)
        deeper.__context__ = chain
        chain = deeper
    with tracer.start_as_current_span("chained") as span:
        attempt(span.record_exception, chain)
    with tracer.start_as_current_span("at the end"):
        raise Unsayable


began = time.perf_counter()
globals()[sys.argv[1]]()
print(len(calls) < 1000)
