"""An attempt whose answer is given to a callback: it stands for that callback, and knows what has come until then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import unseen
from platform_instrument.engine.scope import fail, leave
from platform_instrument.engine.transfers import Transfer

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Call
    from platform_instrument.engine.scope import Plan

_with_traceback = BaseException.with_traceback


class Answer:
    """What an answer says; `size` is that of its body as it came, `UNKNOWN` where nobody knows."""

    __slots__ = ("headers", "peer", "size", "status", "version")

    def __init__(self, status: int, version: str, peer: tuple[str, int] | None, headers: Any, size: int) -> None:  # noqa: ANN401
        self.status = status
        self.version = version
        self.peer = peer
        self.headers = headers
        self.size = size


class Awaited:
    """An attempt that was begun, in place of its callback, the third argument; `sent` is the size of its body.

    `read(response)` returns the answer where nobody has seen its headers before the callback is called, or why there is none.
    """

    __slots__ = ("_call", "_callback", "_compressed", "_plan", "_read", "_sent", "_transfer")

    def __init__(self, plan: Plan, call: Call, sent: int | None, read: Callable[[Any], Answer | BaseException]) -> None:
        self._plan = plan
        self._call = call
        self._sent = sent
        self._read = read
        self._callback = call.argument(2, "callback")
        self._transfer: Transfer | None = None
        self._compressed = False

    def failed(self, error: BaseException) -> None:
        """End with why there is no answer."""
        if not self._call.span.end_ns:
            fail(self._plan, self._call, error)

    def answered(self, answer: Answer) -> None:
        """End the span, whose plan leaves what was answered in the call's state; what is read from here on is counted."""
        if not self._call.span.end_ns:
            leave(self._plan, self._call, answer)
            self._transfer = Transfer(self._call.span, self._call.state, self._sent, answer.size)

    def count(self, size: int, *, compressed: bool) -> None:
        """Count a part of the body; where parts pass as they came, maybe compressed, they do not count once more behind that."""
        self._compressed = self._compressed or compressed
        if self._transfer is not None and self._compressed is compressed:
            self._transfer.received = (self._transfer.received or 0) + size

    def over(self, response: Any) -> None:  # noqa: ANN401 - the library's
        """End with what the callback is given: an answer, or why there is none."""
        if not self._call.span.end_ns:
            found = self._read(response)
            if isinstance(found, Answer):
                self.answered(found)
            else:
                self.failed(found)
        if self._transfer is not None:
            self._transfer.finish()

    @unseen
    def __call__(self, response: Any) -> Any:  # noqa: ANN401 - the library's
        """Hand on the answer."""
        guard(self._plan.place, self.over, response)
        try:
            return self._callback(response)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
