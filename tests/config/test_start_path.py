"""What every start of a program pays for the settings."""

from __future__ import annotations

import os
import sys
import timeit

from platform_instrument.config.read import read
from tests.processes import run

TYPICAL = {
    "OTEL_SERVICE_NAME": "shop",
    "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=prod,team=a%20b",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
    "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.1",
    "OTEL_NODE_DISABLED_INSTRUMENTATIONS": "x",
    "PLATFORM_AUTO": "1",
    "PLATFORM_INSTRUMENT_PID": "1",
    "PLATFORM_API_SERVICE_HOST": "10.0.0.1",
}


def test_reading_a_sound_environment_imports_nothing_else() -> None:
    program = (
        "import sys, os; before = set(sys.modules); from platform_instrument.config.read import read; "
        "assert read(os.environ)[1] == [], read(os.environ)[1]; "
        "print(*sorted(set(sys.modules) - before))"
    )
    ended = run([sys.executable, "-S", "-c", program], env={**TYPICAL, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert ended.stderr == ""
    imported = ended.stdout.split()
    ours = {name for name in imported if name.startswith("platform_instrument")}
    modules = ("", ".core", ".core.masking", ".config", ".config.kinds", ".config.schema", ".config.setting", ".config.read")
    assert ours == {f"platform_instrument{name}" for name in modules}
    assert not {"re", "typing", "enum", "dataclasses", "difflib", "urllib.parse", "pathlib"} & set(imported)


def test_reading_a_typical_environment_takes_less_than_half_a_millisecond() -> None:
    theirs = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PLATFORM_"))}
    environ = {**theirs, **TYPICAL}
    assert min(timeit.repeat(lambda: read(environ), number=1, repeat=200)) < 0.000_5
