"""A context manager returned by the application's library, entered and left under observation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.scope import Plan, enter, fail, leave

if TYPE_CHECKING:
    from types import TracebackType

    from platform_instrument.core.values import Call


class ObservedBlock:
    """Stands for the library's context manager: the span covers the block, everything else is the original's."""

    __slots__ = ("_args", "_block", "_call", "_kwargs", "_plan", "_result")

    def __init__(self, block: Any, plan: Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:  # noqa: ANN401
        self._block = block
        self._plan = plan
        self._args = args
        self._kwargs = kwargs
        self._call: Call | None = None
        self._result: Any = None

    @property
    def __class__(self) -> type:  # type: ignore[override]
        """Pass for the original in `isinstance`."""
        return type(self._block)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the original's
        return getattr(self._block, name)

    def __enter__(self) -> Any:  # noqa: ANN401 - the original's
        self._call = guard(self._plan.place, enter, self._plan, self._args, self._kwargs)
        try:
            self._result = self._block.__enter__()
        except BaseException as error:
            self._failed(error)
            raise
        return self._result

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> Any:  # noqa: ANN401
        try:
            answer = self._block.__exit__(kind, error, trace)
        except BaseException as second:
            self._failed(second)
            raise
        self._left(error)
        return answer

    async def __aenter__(self) -> Any:  # noqa: ANN401 - the original's
        self._call = guard(self._plan.place, enter, self._plan, self._args, self._kwargs)
        try:
            self._result = await self._block.__aenter__()
        except BaseException as error:
            self._failed(error)
            raise
        return self._result

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> Any:  # noqa: ANN401
        try:
            answer = await self._block.__aexit__(kind, error, trace)
        except BaseException as second:
            self._failed(second)
            raise
        self._left(error)
        return answer

    def _failed(self, error: BaseException) -> None:
        call, self._call = self._call, None
        if call is not None:
            guard(self._plan.place, fail, self._plan, call, error)

    def _left(self, error: BaseException | None) -> None:
        if error is not None:
            self._failed(error)
            return
        call, self._call = self._call, None
        if call is not None:
            guard(self._plan.place, leave, self._plan, call, self._result)
