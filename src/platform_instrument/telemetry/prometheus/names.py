"""What a metric, its unit and its labels are called in Prometheus.

Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/ (metric metadata, metric attributes);
abbreviations of units by https://ucum.org.
"""

from __future__ import annotations

import re
from functools import lru_cache

from platform_instrument.core.values import COUNTER, GAUGE

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9:]+")
_NOT_IN_LABELS = re.compile(r"[^a-zA-Z0-9]+")
_ANNOTATION = re.compile(r"\{[^}]*\}")
_DIGITS = "0123456789"

_UNITS = {
    "ns": "nanoseconds", "us": "microseconds", "ms": "milliseconds", "s": "seconds", "min": "minutes", "h": "hours", "d": "days",
    "By": "bytes", "kBy": "kilobytes", "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes",
    "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "TiBy": "tebibytes",
    "m": "meters", "g": "grams", "J": "joules", "W": "watts", "V": "volts", "A": "amperes", "Hz": "hertz", "Cel": "celsius",
    "%": "percent",
}  # fmt: skip
_PER = {"s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}

SUFFIXES = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "gauge": (),
    "info": ("_info",),
}
"""What the names of a family's samples end in; no other family may be called like one of them."""


@lru_cache(maxsize=4_096)
def family_name(name: str, unit: str, kind: int) -> tuple[str, str]:
    """Return what a metric is called in Prometheus, without `_total`, and its unit in words, which ends the name.

    A unit of one is a ratio where it is a gauge's, as the specification has it; counters of things have it too, and are none.
    """
    called = _valid(name, _NOT_IN_NAMES)
    words = "ratio" if unit == "1" and kind == GAUGE else unit_words(unit)
    if kind == COUNTER:
        called = called.removesuffix("_total") or called
    if words and not called.endswith(f"_{words}"):
        called = f"{called.rstrip('_')}_{words}"
    return called, words


def unit_words(unit: str) -> str:
    """Return a UCUM unit in words, empty for counts of things: `By/s` is `bytes_per_second`, `{request}` is nothing."""
    bare = _ANNOTATION.sub("", unit)
    if bare in {"", "1"}:
        return ""
    if bare in _UNITS:
        return _UNITS[bare]
    top, slash, bottom = bare.partition("/")
    if slash:
        top = "" if top == "1" else _UNITS.get(top, top)
        bare = f"{top}_per_{_PER.get(bottom, bottom)}" if bottom else top
    return _NOT_IN_LABELS.sub("_", bare).strip("_")


def label_name(key: str) -> str:
    """Return what an attribute's key is called as a label."""
    return _valid(key, _NOT_IN_LABELS)


def _valid(name: str, invalid: re.Pattern[str]) -> str:
    """Return a name with one `_` in place of each run of what Prometheus does not allow, a digit in front among it."""
    return invalid.sub("_", f"_{name[1:]}" if name[:1] in _DIGITS else name) or "_"
