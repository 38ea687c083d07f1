"""The samplers of the settings decide as the SDK's, for the same trace ids and parents."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import sampling as sdk
from opentelemetry.sdk.trace.id_generator import IdGenerator

from platform_instrument.core.guard import faults
from platform_instrument.telemetry import ids, tracer
from platform_instrument.telemetry.bridge import context_of
from platform_instrument.telemetry.context import Ambient
from platform_instrument.telemetry.foreign_sampler import sampler_of
from platform_instrument.telemetry.sampling import NAMES, Foreign, ParentBased, make_sampler
from platform_instrument.telemetry.scope import own_scope
from tests.telemetry import sides

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRACE_IDS = st.integers(1, 2**128 - 1)
RATIOS = st.one_of(st.just(0.0), st.just(1.0), st.floats(0, 1))
PARENTS = st.one_of(st.none(), st.builds(Ambient, TRACE_IDS, st.integers(1, 2**64 - 1), st.integers(0, 3), remote=st.booleans()))


def sdk_sampler(name: str, ratio: float) -> sdk.Sampler:
    known: Any = sdk._KNOWN_SAMPLERS[name]
    return known(ratio) if isinstance(known, type) else known  # type: ignore[no-any-return]


def span_with(trace_id: int) -> Any:
    span = tracer.start("work", 1, None, {"a": 1}, own_scope("test"), None, 0)
    span.trace_id = trace_id
    return span


@given(name=st.sampled_from(NAMES), ratio=RATIOS, trace_id=TRACE_IDS, parent=PARENTS)
def test_the_decision_is_the_sdk_s(name: str, ratio: float, trace_id: int, parent: Ambient | None) -> None:
    trace_id = parent.trace_id if parent else trace_id
    theirs = sdk_sampler(name, ratio)
    expected = theirs.should_sample(context_of(parent), trace_id, "work", trace.SpanKind.INTERNAL, {"a": 1}, ()).decision.value
    assert make_sampler(name, ratio).decide(parent, span_with(trace_id)) == expected
    assert make_sampler(name, ratio).description == theirs.get_description()


@given(ratio=RATIOS, low=st.integers(0, 2**64 - 1))
def test_a_ratio_decides_by_the_lower_half_of_the_trace_id(ratio: float, low: int) -> None:
    sampler = make_sampler("traceidratio", ratio)
    assert sampler.decide(None, span_with(low | 1 << 100)) == sampler.decide(None, span_with(low | 7 << 64))


@pytest.mark.parametrize("name", NAMES)
def test_an_sdk_sampler_of_the_specification_is_replaced_by_ours(name: str) -> None:
    assert not isinstance(sampler_of(sdk_sampler(name, 0.5)), Foreign)


def test_an_sdk_sampler_with_other_branches_is_asked_itself() -> None:
    sampler = sampler_of(sdk.ParentBased(sdk.ALWAYS_ON, remote_parent_sampled=sdk.ALWAYS_OFF))
    assert isinstance(sampler, Foreign)
    assert sampler.decide(Ambient(1, 2, 1, remote=True), span_with(1)) == 0
    assert sampler.decide(Ambient(1, 2, 1), span_with(1)) == 2


class Choosy(sdk.Sampler):
    """Samples what the test says, adds an attribute, changes the trace state."""

    def __init__(self, decision: sdk.Decision = sdk.Decision.RECORD_AND_SAMPLE) -> None:
        self.decision = decision
        self.asked: list[Any] = []

    def should_sample(  # noqa: PLR0913 - the SDK's signature
        self,
        parent_context: Any,  # noqa: ARG002
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: Any = None,  # noqa: ARG002
    ) -> Any:
        self.asked.append((trace_id, name, kind, dict(attributes), len(links)))
        return sdk.SamplingResult(self.decision, {**attributes, "choosy": True}, trace.TraceState([("choosy", "1")]))

    def get_description(self) -> str:
        return "Choosy"


@pytest.fixture
def choosy() -> Iterator[Choosy]:
    with sides.ours():
        sampler = Choosy()
        tracer.use(sampler_of(sampler))
        yield sampler


def test_a_sampler_of_somebody_else_adds_attributes_and_trace_state(choosy: Choosy) -> None:
    link = trace.Link(trace.SpanContext(1, 2, is_remote=False))
    span: Any = trace.get_tracer("shop").start_span("work", kind=trace.SpanKind.SERVER, attributes={"a": 1}, links=[link])
    assert choosy.asked == [(span.trace_id, "work", trace.SpanKind.SERVER, {"a": 1}, 1)]
    assert span.attributes == {"a": 1, "choosy": True}
    assert span.get_span_context().trace_state.to_header() == "choosy=1"


@pytest.mark.parametrize(
    ("decision", "recording", "sampled"),
    [(sdk.Decision.DROP, False, False), (sdk.Decision.RECORD_ONLY, True, False), (sdk.Decision.RECORD_AND_SAMPLE, True, True)],
    ids=str,
)
def test_each_decision_means_what_it_means_to_the_sdk(
    choosy: Choosy, decision: sdk.Decision, recording: Any, sampled: Any
) -> None:
    choosy.decision = decision
    span = trace.get_tracer("shop").start_span("work")
    assert (span.is_recording(), span.get_span_context().trace_flags.sampled) == (recording, sampled)


@pytest.mark.faults
def test_a_sampler_that_raises_is_as_if_the_parent_were_followed(choosy: Choosy) -> None:
    choosy.should_sample = None  # type: ignore[method-assign,assignment]
    assert trace.get_tracer("shop").start_span("work").is_recording()
    assert [fault.place for fault in faults()] == ["sampler"]


def test_children_of_ours_follow_their_parent_without_asking_anybody() -> None:
    assert ParentBased(make_sampler("always_off", None)).follows_parent


# --- by entry point ---------------------------------------------------------------------------------------------------


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that provides an id generator and a sampler."""
    info = tmp_path / "plugins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[opentelemetry_id_generator]\ncounting = plugins_of_the_test:Counting\n"
        "[opentelemetry_traces_sampler]\nchoosy = plugins_of_the_test:choosy\n"
    )
    module = type(sys)("plugins_of_the_test")
    module.Counting = Counting  # type: ignore[attr-defined]
    module.choosy = lambda argument: Choosy(sdk.Decision.DROP if argument == "0.0" else sdk.Decision.RECORD_AND_SAMPLE)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "plugins_of_the_test", module)
    monkeypatch.syspath_prepend(str(tmp_path))


class Counting(IdGenerator):
    def __init__(self) -> None:
        self.count = 0

    def generate_trace_id(self) -> int:
        return 0xABC

    def generate_span_id(self) -> int:
        self.count += 1
        return self.count


@pytest.mark.usefixtures("plugins")
def test_ids_come_from_the_generator_of_the_settings() -> None:
    with sides.ours({"OTEL_PYTHON_ID_GENERATOR": "counting"}):
        with trace.get_tracer("shop").start_as_current_span("outer") as outer:
            inner: Any = trace.get_tracer("shop").start_span("inner")
        given = outer.get_span_context()
        assert (given.trace_id, given.span_id, inner.span_id, int(given.trace_flags)) == (0xABC, 1, 2, 1)
    assert ids.new_trace_id() != 0xABC


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(("argument", "recording"), [("0", False), ("1", True)])
def test_the_sampler_of_an_entry_point_decides(argument: str, recording: Any) -> None:
    with sides.ours({"OTEL_TRACES_SAMPLER": "choosy", "OTEL_TRACES_SAMPLER_ARG": argument}):
        assert trace.get_tracer("shop").start_span("work").is_recording() is recording


def test_a_generator_that_nobody_provides_is_said_and_ours_used(capfd: pytest.CaptureFixture[str]) -> None:
    with sides.ours({"OTEL_PYTHON_ID_GENERATOR": "unheard-of"}):
        assert trace.get_tracer("shop").start_span("work").get_span_context().is_valid
    assert "OTEL_PYTHON_ID_GENERATOR: 'unheard-of' cannot be had" in capfd.readouterr().err


@pytest.mark.faults
def test_a_generator_that_raises_is_replaced_by_ours() -> None:
    with sides.ours():
        broken: Any = Counting()
        broken.generate_span_id = None
        ids.use(broken)
        assert trace.get_tracer("shop").start_span("work").get_span_context().is_valid


def test_a_random_trace_id_is_said_to_be_random_as_the_sdk_does() -> None:
    with sides.ours():
        assert int(trace.get_tracer("shop").start_span("work").get_span_context().trace_flags) == 3
