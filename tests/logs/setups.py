"""Logging set-ups as people write them: each defines `say(text)` and `fail(text)`, which log a line and a caught exception."""

from __future__ import annotations

LOGGER = """
import logging
say = logging.getLogger("shop").warning
fail = logging.getLogger("shop").exception
"""

CLASSES = """
import json, logging, logging.config, logging.handlers, os, socket, sys

class Json(logging.Formatter):
    def format(self, record):
        shown = {"level": record.levelname, "message": record.getMessage()}
        if record.exc_info:
            shown["exception"] = self.formatException(record.exc_info)
        return json.dumps(shown)

class Indented(Json):
    def format(self, record):
        return json.dumps(json.loads(super().format(record)), indent=1)

class Coloured(logging.Formatter):
    def format(self, record):
        return f"\\x1b[31m{super().format(record)}\\x1b[0m"

class Tenant(logging.Filter):
    def filter(self, record):
        record.tenant = "acme"
        return True

class Printing(logging.Handler):
    def __init__(self, prefix="> "):
        super().__init__()
        self.prefix = prefix
    def emit(self, record):
        print(self.prefix + self.format(record))
"""


def configured(body: str) -> str:
    """Return a set-up of the standard library's logging."""
    return CLASSES + body + LOGGER


STANDARD: dict[str, str] = {
    "nothing configured": LOGGER,
    "basicConfig": configured("logging.basicConfig(level='INFO')"),
    "percent style": configured(
        "logging.basicConfig(format='%(asctime)s %(levelname)-8s [%(name)s] %(message)s', stream=sys.stdout)"
    ),
    "brace style": configured("logging.basicConfig(format='{asctime}|{levelname:>8}|{message}|', style='{')"),
    "dollar style": configured("logging.basicConfig(format='$levelname: $message ($name)', style='$')"),
    "dictConfig with classes": configured("""
logging.config.dictConfig({
    "version": 1,
    "filters": {"tenant": {"()": Tenant}},
    "formatters": {"own": {"()": Coloured, "format": "%(tenant)s %(levelname)s %(message)s"}, "usual": {"format": "%(message)s"}},
    "handlers": {
        "one": {"()": Printing, "prefix": "# ", "formatter": "own", "filters": ["tenant"]},
        "two": {"class": "logging.StreamHandler", "formatter": "usual", "stream": "ext://sys.stderr"},
    },
    "root": {"level": "INFO", "handlers": ["one", "two"]},
})"""),
    "fileConfig": configured("""
open("logging.ini", "w").write('''
[loggers]
keys=root
[handlers]
keys=console
[formatters]
keys=plain
[logger_root]
level=INFO
handlers=console
[handler_console]
class=StreamHandler
formatter=plain
args=(sys.stdout,)
[formatter_plain]
format=%(asctime)s - %(name)s - %(levelname)s - %(message)s
''')
logging.config.fileConfig("logging.ini")"""),
    "handlers added one by one": configured("""
first = logging.StreamHandler()
logging.getLogger("shop").addHandler(first)
logging.getLogger().addHandler(Printing())
first.setFormatter(logging.Formatter("%(message)s at %(lineno)d"))"""),
    "rotating files": configured("""
handler = logging.handlers.RotatingFileHandler("app.log", maxBytes=100000, backupCount=2)
handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
timed = logging.handlers.TimedRotatingFileHandler("timed.log")
watched = logging.handlers.WatchedFileHandler("watched.log")
logging.basicConfig(handlers=[handler, timed, watched])
def last():
    for name in ("app.log", "timed.log", "watched.log"):
        print(open(name).read(), end="")
"""),
    "concurrent-log-handler": configured("""
from concurrent_log_handler import ConcurrentRotatingFileHandler
logging.basicConfig(handlers=[ConcurrentRotatingFileHandler("app.log", maxBytes=100000)], format="%(levelname)s %(message)s")
def last():
    print(open("app.log").read(), end="")
"""),
    "QueueHandler and QueueListener": configured("""
import queue
waiting = queue.Queue()
listener = logging.handlers.QueueListener(waiting, logging.StreamHandler())
listener.handlers[0].setFormatter(logging.Formatter("%(levelname)s:%(message)s;"))
listener.start()
logging.basicConfig(handlers=[logging.handlers.QueueHandler(waiting)])
last = listener.stop"""),
    "a queue of records as they are": configured("""
import queue
class Kept(logging.handlers.QueueHandler):
    def prepare(self, record):
        return record
waiting = queue.Queue()
listener = logging.handlers.QueueListener(waiting, logging.StreamHandler())
logging.basicConfig(handlers=[Kept(waiting)])
def last():
    listener.start()
    listener.stop()
"""),
    "MemoryHandler": configured("""
handler = logging.handlers.MemoryHandler(100, flushLevel=logging.CRITICAL, target=logging.StreamHandler())
logging.basicConfig(handlers=[handler])
def last():
    with span("flushing"):
        handler.flush()
"""),
    "syslog over UDP": configured("""
received = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
received.bind(("127.0.0.1", 0))
received.settimeout(10)
handler = logging.handlers.SysLogHandler(("127.0.0.1", received.getsockname()[1]))
handler.ident = "shop: "
logging.basicConfig(handlers=[handler], format="%(name)s %(message)s")
def last():
    for _ in range(LINES):
        print(received.recv(65536).rstrip(b"\\0").decode())
"""),
    "LoggerAdapter": configured("""
logging.basicConfig(format="%(order)s %(message)s")
adapted = logging.LoggerAdapter(logging.getLogger("shop"), {"order": 7})""").replace(
        LOGGER,
        """
say, fail = adapted.warning, adapted.exception
""",
    ),
    "a factory of records": configured("""
usual = logging.getLogRecordFactory()
def factory(*args, **kwargs):
    record = usual(*args, **kwargs)
    record.tenant = "acme"
    return record
logging.setLogRecordFactory(factory)
logging.basicConfig(format="%(tenant)s %(message)s")"""),
    "configured within a span": configured("""
with span("starting"):
    logging.config.dictConfig({"version": 1, "root": {"handlers": ["one"]}, "disable_existing_loggers": False,
        "handlers": {"one": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}}})
"""),
    "colourful formatter": configured("""
handler = logging.StreamHandler()
handler.setFormatter(Coloured("%(levelname)s %(message)s"))
logging.basicConfig(handlers=[handler])"""),
    "colorlog": configured("""
import colorlog
handler = colorlog.StreamHandler()
handler.setFormatter(colorlog.ColoredFormatter("%(log_color)s%(levelname)s%(reset)s %(message)s", force_color=True))
logging.basicConfig(handlers=[handler])"""),
    "rich": configured("""
from rich.console import Console
from rich.logging import RichHandler
console = Console(width=260, file=sys.stdout)
logging.basicConfig(handlers=[RichHandler(console=console, omit_repeated_times=False)], format="%(message)s")"""),
    "two lines a message": configured("""logging.basicConfig(format="%(levelname)s %(message)s\\n  second line")"""),
    "warnings": configured("""
import warnings
warnings.simplefilter("always")
logging.captureWarnings(True)
logging.basicConfig(format="%(name)s %(message)s")""").replace('say = logging.getLogger("shop").warning', "say = warnings.warn"),
    "records that render themselves": configured("""
class Record(logging.LogRecord):
    def getMessage(self):
        return f"({super().getMessage()})"
logging.setLogRecordFactory(Record)
logging.basicConfig()"""),
    "dictConfig that disables what was there": configured("""
early = logging.getLogger("early")
early.warning("before it is configured")
logging.config.dictConfig({"version": 1, "disable_existing_loggers": True, "loggers": {"shop": {"handlers": ["one"], "propagate": False}},
    "handlers": {"one": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}}})
early.warning("never printed")
"""),
    "lines with spaces before and carriage returns in them": configured("""
logging.basicConfig(format="  %(levelname)s\\r %(message)s\\r\\n")"""),
    "no raiseExceptions": configured("""
logging.raiseExceptions = False
logging.basicConfig(format="%(missing)s %(message)s")
logging.getLogger("shop").addHandler(Printing())"""),
    "ids of its own": configured("""
class Ids(logging.Filter):
    def filter(self, record):
        from opentelemetry import trace
        context = trace.get_current_span().get_span_context()
        record.ids = f"trace_id={context.trace_id:032x} span_id={context.span_id:016x}" if context.is_valid else "no span"
        return True
handler = logging.StreamHandler()
handler.addFilter(Ids())
logging.basicConfig(handlers=[handler], format="[%(ids)s] %(message)s")"""),
}
"""Lines of text."""

STANDARD_JSON: dict[str, str] = {
    "a JSON formatter of one's own": configured("""
handler = logging.StreamHandler()
handler.setFormatter(Json())
logging.basicConfig(handlers=[handler])"""),
    "python-json-logger": configured("""
from pythonjsonlogger.json import JsonFormatter
handler = logging.StreamHandler()
handler.setFormatter(JsonFormatter("{asctime}{levelname}{message}", style="{", json_ensure_ascii=False))
logging.basicConfig(handlers=[handler])"""),
    "JSON after spaces": configured("""
handler = logging.StreamHandler()
handler.setFormatter(type("Moved", (Json,), {"format": lambda self, record: "  " + Json.format(self, record)})())
logging.basicConfig(handlers=[handler])"""),
    "JSON behind a queue": configured("""
import queue
waiting = queue.Queue()
listener = logging.handlers.QueueListener(waiting, logging.StreamHandler())
listener.handlers[0].setFormatter(Json())
listener.start()
logging.basicConfig(handlers=[logging.handlers.QueueHandler(waiting)])
last = listener.stop"""),
    "JSON lines with a newline of their own": configured("""
handler = logging.StreamHandler()
handler.terminator = ""
handler.setFormatter(type("Ended", (Json,), {"format": lambda self, record: Json.format(self, record) + "\\n"})())
logging.basicConfig(handlers=[handler])"""),
}
"""Lines of which each is a JSON object."""
