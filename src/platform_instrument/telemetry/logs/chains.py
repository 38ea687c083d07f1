"""Loggers of structlog, whose lines are made by a chain of processors: their buckets, and who says how many are left out.

Source: structlog/_base.py `_proxy_to_logger`, structlog/_frames.py (22.1 to 26.1).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import ask

if TYPE_CHECKING:
    from platform_instrument.telemetry.logs.sampling import Bucket, Sampler


def bucket_of(sampler: Sampler, level: int, template: str | None, bound: Any, method: str) -> Bucket | None:  # noqa: ANN401 - structlog's BoundLoggerBase
    """Return the bucket of a line; None where none of its logger, which is a module, is left out."""
    found = ask("structlog", sys.modules["structlog._frames"]._find_first_app_frame_and_name, ["platform_instrument"])  # noqa: SLF001
    path, line, name = (found[0].f_code.co_filename, found[0].f_lineno, str(found[1])) if found else ("", 0, "")
    bucket = sampler.bucket(name, level, method.upper(), template, path, line, shared=True)
    if bucket is not None and bucket.voice is None:
        bucket.voice = Voice(bound, method)
    return bucket


class Voice:
    """Says something by a logger like the one whose lines were left out; says whether it could."""

    __slots__ = ("_kind", "_method", "_parts")

    def __init__(self, bound: Any, method: str) -> None:  # noqa: ANN401 - as above
        self._kind, self._method = type(bound), method
        self._parts = (bound._logger, bound._processors, type(bound._context))  # noqa: SLF001 - no public names

    def __call__(self, _level: int, text: str) -> bool:
        """Say it."""
        return ask("a logger that says what was left out", self._say, text) is not None

    def _say(self, text: str) -> bool:
        logger, processors, context = self._parts
        self._kind(logger, processors, context())._proxy_to_logger(self._method, text)  # noqa: SLF001 - as above
        return True
