"""Levels of `logging` as severities of OTLP.

Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber and its appendix on `logging`.
"""

from __future__ import annotations

TRACE, DEBUG, FATAL4 = 1, 5, 24
_LOWEST = 10
_STEP = 4
"""Numbers that share a name: DEBUG to DEBUG4."""


def severity_of(level: int) -> int:
    """Return the number of a level; what lies between two names counts from the lower one, what is below DEBUG is TRACE."""
    if level < _LOWEST:
        return TRACE if level > 0 else 0
    above = level - _LOWEST
    return min(DEBUG + above // 10 * _STEP + min(above % 10, _STEP - 1), FATAL4)
