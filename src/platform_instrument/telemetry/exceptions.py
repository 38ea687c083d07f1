"""An exception as attributes: type, message and stack, bounded and total whatever its `__str__` does.

Source: https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.errors import error_type
from platform_instrument.core.guard import ask, guard
from platform_instrument.privacy.cuts import masked_ends, masked_start
from platform_instrument.telemetry.stacks import stack_of

if TYPE_CHECKING:
    from platform_instrument.telemetry.span import Span

MOST_STACK = 16_384
MOST_MESSAGE = 4_096


def exception_attributes(error: BaseException) -> dict[str, str]:
    """Return `exception.type`, `.message` and `.stacktrace`; the middle of a long stack is left out."""
    return {**_identified(error), "exception.stacktrace": guard("exception stack", _stack, error) or ""}


def recorded(span: Span, error: BaseException) -> bool:
    """Say whether a span has an event of this exception already; the stacks of both differ by the frames in between."""
    wanted = _identified(error).items()
    return span.extras is not None and any(wanted <= event.attributes.items() for event in span.extras.events)


def _identified(error: BaseException) -> dict[str, str]:
    return {
        "exception.type": error_type(error),
        "exception.message": ask("the text of an exception", _message, error) or "",
    }


def _stack(error: BaseException) -> str:
    return masked_ends(stack_of(error), MOST_STACK, "\n  …\n")


def _message(error: BaseException) -> str:
    return masked_start(str(error), MOST_MESSAGE)
