"""Set-ups of structlog and loguru, as in `tests.logs.setups`."""

from __future__ import annotations

_STRUCTLOG = """
import logging, sys, structlog
{configured}
log = structlog.get_logger("shop")
say, fail = log.warning, log.exception
"""
_SHARED = """[
    structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso"),
    structlog.processors.CallsiteParameterAdder({structlog.processors.CallsiteParameter.FUNC_NAME}),
    structlog.processors.format_exc_info]"""
_STDLIB = """structlog.configure(
    processors={processors}, wrapper_class=structlog.stdlib.BoundLogger, logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True)
logging.basicConfig(format="%(message)s", stream=sys.stdout)"""
_WRAPPED = """
shared = {shared}
structlog.configure(
    processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(), wrapper_class=structlog.stdlib.BoundLogger)
handler = logging.StreamHandler()
handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[
    structlog.processors.CallsiteParameterAdder({{structlog.processors.CallsiteParameter.MODULE}}),
    structlog.stdlib.ProcessorFormatter.remove_processors_meta, {renderer}]))
logging.basicConfig(handlers=[handler])
structlog.contextvars.bind_contextvars(order=7)
logging.getLogger("foreign").warning("outside, of the standard library")
with span("reading"):
    logging.getLogger("foreign").warning("<reading> of the standard library")
"""


def structlog(configured: str) -> str:
    """Return a set-up of structlog."""
    return _STRUCTLOG.format(configured=configured)


STRUCTURED: dict[str, str] = {
    "structlog as it comes": structlog(""),
    "structlog key and value": structlog(
        f"structlog.configure(processors=[*{_SHARED}, structlog.processors.KeyValueRenderer(key_order=['event'])])"
    ),
    "structlog logfmt, cached": structlog(
        f"structlog.configure(processors=[*{_SHARED}, structlog.processors.LogfmtRenderer()], cache_logger_on_first_use=True)"
    ),
    "structlog over the standard library": structlog(
        _STDLIB.format(processors=f"[*{_SHARED}, structlog.dev.ConsoleRenderer(colors=True)]")
    ),
    "structlog in the formatter": structlog(
        _WRAPPED.format(shared=_SHARED, renderer="structlog.dev.ConsoleRenderer(colors=False)")
    ),
    "loguru as it comes": "from loguru import logger\nsay, fail = logger.warning, logger.exception\n",
    "loguru in colours, with a patcher": """
import sys
from loguru import logger
logger.remove()
logger.configure(
    handlers=[{"sink": sys.stdout, "format": "<green>{time}</green> {extra[tenant]} <level>{message}</level>", "colorize": True},
              {"sink": lambda message: print(message, end=""), "format": "{level}|{message}"}],
    patcher=lambda record: record["extra"].update(tenant="acme"))
say, fail = logger.warning, logger.exception
""",
    "loguru with a queue and a file": """
from loguru import logger
logger.remove()
logger.add("app.log", enqueue=True, format="{time} {level} {message}")
say, fail = logger.warning, logger.exception
def last():
    logger.complete()
    print(open("app.log").read(), end="")
""",
    "the standard library into loguru": """
import logging, sys
from loguru import logger
class Intercepting(logging.Handler):
    def emit(self, record):
        logger.opt(depth=6, exception=record.exc_info).log(record.levelname, record.getMessage())
logging.basicConfig(handlers=[Intercepting()], level=0, force=True)
logger.configure(handlers=[{"sink": sys.stdout, "format": "{time} | {level} | {message}"}])
say, fail = logging.getLogger("shop").warning, logging.getLogger("shop").exception
""",
    "loguru into the standard library": """
import logging, sys
from loguru import logger
logging.basicConfig(format="%(levelname)s:%(message)s:", stream=sys.stdout)
logger.remove()
logger.add(logging.StreamHandler(sys.stdout), format="{level} {message}")
class Propagating(logging.Handler):
    def emit(self, record):
        logging.getLogger(record.name).handle(record)
logger.add(Propagating(), format="{message}")
say, fail = logger.warning, logger.exception
""",
    "formatted by the standard library into loguru": """
import logging, sys
from loguru import logger
class Intercepting(logging.Handler):
    def emit(self, record):
        logger.log(record.levelname, self.format(record))
logging.basicConfig(handlers=[Intercepting()])
logger.remove()
logger.add(sys.stdout)
say, fail = logging.getLogger("shop").warning, logging.getLogger("shop").exception
""",
}
"""Lines of text."""

STRUCTURED_JSON: dict[str, str] = {
    "structlog as JSON": structlog(f"structlog.configure(processors=[*{_SHARED}, structlog.processors.JSONRenderer()])"),
    "structlog as JSON, cached, over the standard library": structlog(
        _STDLIB.format(processors=f"[*{_SHARED}, structlog.processors.JSONRenderer()]")
    ),
    "structlog as JSON in bytes": structlog(
        f"structlog.configure(processors=[*{_SHARED}, structlog.processors.JSONRenderer(lambda *a, **k: "
        "__import__('json').dumps(*a, **k).encode())], logger_factory=structlog.BytesLoggerFactory())"
    ),
    "structlog as JSON in the formatter": structlog(
        _WRAPPED.format(shared=_SHARED, renderer="structlog.processors.JSONRenderer()")
    ),
    "structlog wrap_logger": f"""
import structlog
log = structlog.wrap_logger(structlog.PrintLogger(), processors=[*{_SHARED}, structlog.processors.JSONRenderer()])
say, fail = log.warning, log.exception
""",
    "structlog to keyword arguments of python-json-logger": structlog(
        _STDLIB.format(processors=f"[*{_SHARED}, structlog.stdlib.render_to_log_kwargs]")
        + """
from pythonjsonlogger.json import JsonFormatter
logging.getLogger().handlers[0].setFormatter(JsonFormatter())"""
    ),
    "loguru serialized": """
import sys
from loguru import logger
logger.remove()
logger.add(sys.stdout, serialize=True)
say, fail = logger.warning, logger.exception
""",
}
"""Lines of which each is a JSON object."""
