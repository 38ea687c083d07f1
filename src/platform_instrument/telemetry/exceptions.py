"""An exception as attributes: type, message and stack, bounded and total whatever its `__str__` does.

Source: https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/
"""

from __future__ import annotations

import traceback

from platform_instrument.core.errors import error_type
from platform_instrument.core.guard import guard

MOST_STACK = 16_384
MOST_MESSAGE = 4_096


def exception_attributes(error: BaseException) -> dict[str, str]:
    """Return `exception.type`, `.message` and `.stacktrace`; the middle of a long stack is left out."""
    return {
        "exception.type": error_type(error),
        "exception.message": (guard("exception message", str, error) or "")[:MOST_MESSAGE],
        "exception.stacktrace": _folded(guard("exception stack", _stack, error) or ""),
    }


def _stack(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__, limit=100))


def _folded(stack: str) -> str:
    if len(stack) <= MOST_STACK:
        return stack
    half = MOST_STACK // 2
    return f"{stack[:half]}\n  …\n{stack[-half:]}"
