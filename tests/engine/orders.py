"""A library of the kind that is instrumented: a function of every kind, and classes that share methods."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import sys
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator

    from typing_extensions import Self

log = logging.getLogger("orders")
CALLS: list[Any] = []
"""What was really called."""


class OrderError(Exception):
    """What the library raises."""


class FrozenError(Exception):
    """An exception that refuses attributes, as a frozen dataclass does."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


def place(item: str, *, amount: int = 1) -> str:
    """Place an order."""
    CALLS.append((item, amount))
    if item == "error":
        raise OrderError(item)
    if item == "frozen":
        raise FrozenError(item)
    if item == "warn":
        warnings.warn("as the caller wrote it", UserWarning, stacklevel=2)
    if item == "log":
        log.warning("as the caller wrote it", stacklevel=2)
    return f"{amount} {item}"


async def place_later(item: str, amount: int = 1) -> str:
    CALLS.append((item, amount))
    await asyncio.sleep(0)
    if item == "hang":
        await asyncio.sleep(60)
    if item == "error":
        raise OrderError(item)
    return f"{amount} {item}"


def deprecated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@deprecated
async def place_the_old_way(item: str) -> str:
    await asyncio.sleep(0)
    return await place_later(item)


def items(*names: str) -> Generator[str, str, int]:
    CALLS.append(names)
    received = ""
    try:
        for name in names:
            if name == "error":
                raise OrderError(name)
            try:
                received = yield f"{name}{received or ''}"
            except OrderError as error:
                received = f" after {error}"
    finally:
        CALLS.append("closed")
    return len(names)


async def items_later(*names: str) -> AsyncIterator[str]:
    CALLS.append(names)
    try:
        for name in names:
            await asyncio.sleep(0)
            if name == "error":
                raise OrderError(name)
            try:
                yield name
            except OrderError:
                yield "caught"
    finally:
        await asyncio.sleep(0)
        CALLS.append("closed")


@contextlib.contextmanager
def basket(item: str) -> Iterator[str]:
    if item == "refused":
        raise OrderError(item)
    try:
        yield item
    except OrderError:
        if item != "forgiving":
            raise
    CALLS.append(f"{item} closed")


class Basket:
    """A context manager that may be entered again inside itself, sync and async, and has other special methods."""

    def __init__(self, size: int = 0) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> bool:
        return False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> bool:
        await asyncio.sleep(0)
        return False


def new_basket(size: int = 0) -> Basket:
    return Basket(size)


class Store:
    """Methods of every kind."""

    rate = 7
    length = len

    def sell(self, item: str) -> str:
        return f"{type(self).__name__} sells {item}"

    @staticmethod
    def open(day: str) -> str:
        return f"open {day}"

    @classmethod
    def named(cls, name: str) -> str:
        return f"{cls.__name__} {name}"

    @property
    def stock(self) -> int:
        return 3

    def caller(self) -> str:
        return sys._getframe(1).f_code.co_filename


class Branch(Store):
    """Inherits everything."""
