"""Stacks as they leave: whole where they say something, folded where they do not, without frames of ours."""

from __future__ import annotations

import builtins
import sys
import traceback
from pathlib import Path

import pytest

from platform_instrument.telemetry.exceptions import exception_attributes
from platform_instrument.telemetry.stacks import stack_of
from tests.processes import run


def _raised(function, *arguments: object) -> BaseException:  # type: ignore[no-untyped-def] # noqa: ANN001
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever it is
        function(*arguments)
    return caught.value


def _printed(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def _again(number: int) -> int:
    return _again(number + 1) if number < 500 else [][number]


def _there(number: int) -> int:
    return _back(number + 1)


def _back(number: int) -> int:
    return _there(number + 1) if number < 500 else [][number]


def _chained() -> None:
    try:
        try:
            int("x")
        except ValueError as error:
            message = "first"
            raise KeyError(message) from error
    except KeyError:
        message = "second"
        raise ValueError(message)  # noqa: B904 - raised during the handling of the other


def test_a_short_stack_is_what_the_interpreter_prints() -> None:
    for error in (_raised(int, "x"), _raised(_chained), _raised(compile, "a b", "x", "exec")):
        assert stack_of(error) == _printed(error)


def test_repeated_frames_are_folded() -> None:
    stack = stack_of(_raised(_again, 0))
    assert "[Previous line repeated 500 more times]" in stack
    assert len(stack.splitlines()) < 20


def test_frames_that_go_in_circles_are_folded() -> None:
    stack = stack_of(_raised(_there, 0))
    assert "[Previous 2 lines repeated 250 more times]" in stack
    assert stack.count("in _there") == 1


def test_the_middle_of_a_long_stack_is_left_out_and_said_so() -> None:
    names: dict[str, object] = {}
    for number in range(300):
        exec(f"def f{number}():\n    return f{number + 1}()\n", names)  # noqa: S102 - many functions
    exec("def f300():\n    raise ValueError('at the end')\n", names)  # noqa: S102 - as above
    stack = stack_of(_raised(names["f0"]))
    assert "in f0\n" in stack
    assert "in f300\n" in stack
    assert "in f150\n" not in stack
    assert stack.count("frames left out]") == 1
    shown = stack.count('  File "')
    assert shown == 100
    assert f"[{len(traceback.extract_tb(_raised(names['f0']).__traceback__)) - shown} frames left out]" in stack


def test_each_of_a_chain_is_whole() -> None:
    stack = stack_of(_raised(_chained))
    assert stack.count("Traceback (most recent call last)") == 3
    assert "direct cause" in stack
    assert "During handling" in stack


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups are of 3.11")
def test_each_of_a_group_is_whole() -> None:
    group = vars(builtins)["ExceptionGroup"]("many", [_raised(int, f"x{number}") for number in range(30)])
    stack = stack_of(group)
    assert all(f"'x{number}'" in stack for number in range(30))


def test_frames_of_ours_are_left_out() -> None:
    code = compile("def ours(f):\n    return f()\n", "<platform_instrument importlib._bootstrap>", "exec")
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102 - a wrapper of ours, as it names itself
    error = _raised(names["ours"], _chained)
    assert "in ours" in _printed(error)
    assert "in ours" not in stack_of(error)
    assert "in _chained" in exception_attributes(error)["exception.stacktrace"]


def test_the_part_of_a_line_that_failed_is_marked() -> None:
    if sys.version_info < (3, 11):
        assert "^" not in stack_of(_raised(_again, 500))  # this interpreter marks none
        return
    line, marks = stack_of(_raised(_again, 500)).splitlines()[-3:-1]
    assert (line.strip(), set(marks.strip()) - {"~"}) == ("return _again(number + 1) if number < 500 else [][number]", {"^"})
    assert line[marks.index(marks.strip()) :] == "[][number]"


def test_a_stack_that_is_written_breaks_no_parser_of_the_application_s() -> None:
    program = Path(__file__).parent / "programs" / "parsing.py"
    completed = run([sys.executable, program])
    assert (completed.stdout, completed.stderr) == ("0\n", "")
