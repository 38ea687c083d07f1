"""Whether paths and ports of the probes get along with each other; loaded where one of them is set."""

from __future__ import annotations

from platform_instrument.config.problem import ConfigProblem, in_force, quoted
from platform_instrument.config.schema import Settings

PATHS = ("probes_liveness_path", "probes_startup_path", "probes_readiness_path")


def fit_places(settings: Settings, problems: list[ConfigProblem]) -> None:
    """Take back what cannot hold beside the rest, and note why."""
    for _ in PATHS:  # a default that is back may be the path of another
        for attribute in PATHS:
            _fit_path(settings, attribute, problems)
    port = settings.admin_port
    if port is not None and "prometheus" in settings.metrics_exporter and settings.exporter_prometheus_port == port:
        settings.admin_port = None
        del settings.sources["admin_port"]
        problem, remedy = "is OTEL_EXPORTER_PROMETHEUS_PORT too", "set another port"
        problems.append(ConfigProblem("PLATFORM_ADMIN_PORT", f"'{port}'", problem, used="", remedy=remedy))


def _fit_path(settings: Settings, attribute: str, problems: list[ConfigProblem]) -> None:
    """Give a path that was set its default back, where another probe has it."""
    path = getattr(settings, attribute)
    others = [getattr(settings, other) for other in PATHS if other != attribute]
    if attribute not in settings.sources or path not in others:
        return
    setting = Settings.declared[attribute]
    setting.put(settings, setting.default)
    del settings.sources[attribute]
    problem = "is the path of another probe too"
    used = in_force(settings, setting)
    problems.append(ConfigProblem(setting.variable, quoted(path), problem, used=used, remedy="give each probe a path of its own"))
