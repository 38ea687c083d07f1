"""What an exception is called."""

from __future__ import annotations


def error_type(error: BaseException) -> str:
    """Return `error.type`: the qualified class name, plain for built-in exceptions."""
    kind = type(error)
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
