"""Telemetry for any Python service without a change to its code: an OpenTelemetry distro.

PYTEST_DONT_REWRITE: tests run under it, where it is loaded long before pytest, which complains of that.
"""

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from platform_instrument.runtime.ending.registry import on_shutdown
    from platform_instrument.runtime.health.registration import add_readiness_check, add_startup_check
    from platform_instrument.telemetry.request import request_id, set_attributes

__version__ = "0.1.0"
__all__ = ["add_readiness_check", "add_startup_check", "on_shutdown", "request_id", "set_attributes"]

_HOMES = {
    "add_readiness_check": "runtime.health.registration", "add_startup_check": "runtime.health.registration",
    "on_shutdown": "runtime.ending.registry",
    "request_id": "telemetry.request", "set_attributes": "telemetry.request",
}  # fmt: skip


def __getattr__(name: str) -> object:
    from platform_instrument.core.lazy import lazy  # a start that is switched off comes by here, and loads nothing

    return lazy(__name__, _HOMES)(name)
