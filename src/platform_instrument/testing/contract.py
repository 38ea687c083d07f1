"""The contract of an instrumentation, as tests: for ours, and for anybody's.

    class TestShop(InstrumentationContract):
        declared_in = "our_shop_instrumentation"

        def exercise(self) -> None:
            shop.sell("tea")

`declared_in` is the module that declares `INSTRUMENTATION`; the library has to be installed.
"""

from __future__ import annotations

import contextlib
import inspect
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.config.schema import Settings
from platform_instrument.core.guard import clear_faults
from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation, Observe, Time
from platform_instrument.engine import apply, drive, edits, timing
from platform_instrument.engine.frames import kind_of
from platform_instrument.engine.journal import static
from platform_instrument.engine.scope import Plan
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.testing.conventions import unconventional
from platform_instrument.testing.recorder import recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platform_instrument.testing.recorder import Recorder

    Targets = dict[str, tuple[Any, str]]
    """The owner and the attribute of each target."""

_EARLY = """
import sys
import platform_instrument.engine.apply
wanted = sys.argv[2:]
before = [name for name in wanted if name in sys.modules]
__import__(sys.argv[1])
print(*[name for name in wanted if name in sys.modules and name not in before])
"""

_HOSTILE: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    ((), {}),
    ((None,), {}),
    ((object(), b"\xff", -1, [], {}), {"nonsense": object()}),
)
"""Arguments that no library of this world is called with."""


class InstrumentationContract:
    """Subclass it and say where the instrumentation is declared."""

    declared_in = ""

    def exercise(self) -> None:
        """Use the library, well and badly, so that it records something."""
        raise NotImplementedError

    @pytest.fixture
    def instrumentation(self) -> Instrumentation:
        """Return the instrumentation under test."""
        declared: Instrumentation = import_module(self.declared_in).INSTRUMENTATION
        return declared

    @pytest.fixture
    def targets(self, instrumentation: Instrumentation) -> Targets:
        """Return what it patches, with every module imported that it waits for."""
        found: Targets = {}
        for patch in instrumentation.patches:
            with contextlib.suppress(ImportError, AttributeError) if patch.optional else contextlib.nullcontext():
                if isinstance(patch, Custom):
                    import_module(patch.module)
                else:
                    found[patch.target] = resolve(patch.target)
        return found

    def test_its_module_imports_no_library(self, instrumentation: Instrumentation) -> None:
        """Importing the declaration loads neither the library nor a part of it."""
        modules = {
            patch.module if isinstance(patch, Custom) else patch.target.partition(":")[0] for patch in instrumentation.patches
        }
        wanted = sorted(modules | set(instrumentation.modules))
        command = [sys.executable, "-c", _EARLY, self.declared_in, *wanted]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
        assert done.stdout.split() == []

    def test_every_target_is_a_function(self, instrumentation: Instrumentation, targets: Targets) -> None:
        """Each required target exists in the library that is installed, and can be wrapped."""
        assert instrumentation.patches
        for owner, name in targets.values():
            target = static(owner, name)
            assert callable(target) or isinstance(target, (staticmethod, classmethod))
            assert not isinstance(target, type)

    def test_undo_is_exact(self, instrumentation: Instrumentation, targets: Targets) -> None:
        """After install and undo, every attribute of every module and class concerned is the very object of before."""
        before = _namespaces(instrumentation, targets)
        with installed(instrumentation) as (applied, _):
            assert applied.status == "patched", applied.reason
            changed = list(applied.journal.changed)
            assert changed
            if targets:
                assert _differences(before, _namespaces(instrumentation, targets))
        assert _differences(before, _namespaces(instrumentation, targets)) == []

    def test_installing_twice_is_once(self, instrumentation: Instrumentation, targets: Targets) -> None:
        """A second install changes nothing."""
        with installed(instrumentation) as (applied, _):
            once = _namespaces(instrumentation, targets)
            changed = list(applied.journal.changed)
            assert apply.install(instrumentation) is applied
            assert _differences(once, _namespaces(instrumentation, targets)) == []
            assert applied.journal.changed == changed

    def test_what_is_patched_looks_like_the_original(self, instrumentation: Instrumentation, targets: Targets) -> None:
        """Name, signature, documentation and kind of each function are those of before."""
        before = {target: _looks(owner, name) for target, (owner, name) in targets.items()}
        with installed(instrumentation):
            assert {target: _looks(owner, name) for target, (owner, name) in targets.items()} == before

    def test_hostile_arguments_and_answers_are_none_of_the_application_s_business(self, instrumentation: Instrumentation) -> None:
        """Whatever a function is called with and answers, result and exception are its own."""
        for patch in instrumentation.patches:
            if not isinstance(patch, Custom):
                for args, kwargs in _HOSTILE:
                    _stays_itself(instrumentation, patch, args, kwargs)
        clear_faults()
        assert CURRENT.get() is None

    def test_what_it_records_is_conventional(self, instrumentation: Instrumentation, targets: Targets) -> None:
        """Names and types of attributes are those of the conventions, and a metric is counted by nothing else."""
        assert targets or instrumentation.patches
        with installed(instrumentation) as (_, recorder):
            self.exercise()
            spans = recorder.spans
            durations = {name: recorder.durations(name) for name in METRICS.by_name}
        assert spans or not any(isinstance(patch, Observe) for patch in instrumentation.patches)
        assert any(durations.values())
        assert unconventional(spans, {name: series for name, series in durations.items() if series}) == []


def resolve(target: str) -> tuple[Any, str]:
    """Return the owner and the attribute of `module:Class.method`; ImportError or AttributeError where there is none."""
    module, _, path = target.partition(":")
    owner: Any = import_module(module)
    *steps, name = path.split(".")
    for step in steps:
        owner = getattr(owner, step)
    static(owner, name)
    return owner, name


@contextlib.contextmanager
def installed(instrumentation: Instrumentation) -> Iterator[tuple[apply.Applied, Recorder]]:
    """Apply an instrumentation, record, and take it back."""
    for module in instrumentation.modules:
        import_module(module)
    apply.uninstall(instrumentation.name)
    with recording(_switches(instrumentation)) as recorder:
        applied = apply.install(instrumentation)
        try:
            yield applied, recorder
        finally:
            apply.uninstall(instrumentation.name)


def _switches(instrumentation: Instrumentation) -> dict[str, str]:
    """Return the variables that switch on what an instrumentation is there for."""
    off = [name for name in instrumentation.settings if getattr(Settings(), name) is False]
    return {Settings.declared[name].variable: "true" for name in off}


def _namespaces(instrumentation: Instrumentation, targets: Targets) -> dict[str, dict[str, Any]]:
    """Return the attributes of the modules and classes that patches are made in."""
    owners: dict[str, Any] = {}
    for patch in instrumentation.patches:
        if isinstance(patch, Custom) and patch.module in sys.modules:
            owners[patch.module] = sys.modules[patch.module]
            for name, value in vars(sys.modules[patch.module]).items():
                if issubclass(type(value), type):  # isinstance would wake a lazy object
                    owners[f"{patch.module}:{name}"] = value
    owners.update({target.rpartition(".")[0]: owner for target, (owner, _) in targets.items()})
    return {place: dict(vars(owner)) for place, owner in owners.items()}


def _differences(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[str]:
    absent = object()
    return [
        f"{place} {name}"
        for place in before
        for name in {**before[place], **after[place]}
        if before[place].get(name, absent) is not after[place].get(name, absent)
    ]


def _looks(owner: Any, name: str) -> tuple[Any, ...]:  # noqa: ANN401 - a module or class
    function = getattr(owner, name)
    try:
        signature = str(inspect.signature(function))
    except ValueError:  # of C code without one
        signature = ""
    shown = [getattr(function, attribute, None) for attribute in ("__name__", "__qualname__", "__module__", "__doc__")]
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    return (*shown, signature, kind_of(function), *[is_kind(function) for is_kind in kinds])


def _stays_itself(
    instrumentation: Instrumentation,
    patch: Observe | EditCall | EditResult | Time,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    """Wrap a function of our own as the target would be, and call it."""
    answer, failure = object(), LookupError("the application's own")

    def answers(*_args: Any, **_kwargs: Any) -> object:  # noqa: ANN401 - anything
        return answer

    def fails(*_args: Any, **_kwargs: Any) -> object:  # noqa: ANN401 - anything
        raise failure

    with recording():
        result = _wrapped(answers, instrumentation, patch)(*args, **kwargs)
        assert result is answer or isinstance(patch, EditResult) or getattr(patch, "context_manager", False)
        with pytest.raises(LookupError) as raised:
            _wrapped(fails, instrumentation, patch)(*args, **kwargs)
        assert raised.value is failure


def _wrapped(
    function: Callable[..., Any], instrumentation: Instrumentation, patch: Observe | EditCall | EditResult | Time
) -> Callable[..., Any]:
    place = f"contract {patch.target}"
    if isinstance(patch, Observe):
        plan = Plan(
            place, patch.begin, patch.end, patch.error, patch.carrier, instrumentation.family, own_scope(instrumentation.name)
        )
        return drive.observe(function, plan, context_manager=patch.context_manager)
    if isinstance(patch, Time):
        return timing.timed(function, timing.Timed(place, patch.end, patch.error))
    edit = edits.Edit(place, patch.edit)
    return edits.edit_call(function, edit) if isinstance(patch, EditCall) else edits.edit_result(function, edit)
