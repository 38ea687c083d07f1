"""PromQL from the declarations of the metrics: a query cannot name a metric or a label that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import COUNTER, HISTOGRAM
from platform_instrument.telemetry.prometheus.names import family_name, label_name

if TYPE_CHECKING:
    from platform_instrument.core.values import Instrument

RANGE = "$__rate_interval"
"""What Grafana fills in; rules have a range of their own."""


class Queries:
    """Queries over series that a selector picks; `range` is what rates are taken over."""

    def __init__(self, selector: str, over: str) -> None:
        self._selector = selector
        self._over = over

    def rate(self, instrument: Instrument, *by: str, where: str = "") -> str:
        """Return events a second: of a counter, or of what a histogram counts."""
        suffix = "_count" if instrument.kind == HISTOGRAM else ""
        return self._sum(instrument, f"rate({self.series(instrument, suffix, where)}[{self._over}])", by)

    def volume(self, instrument: Instrument, *by: str) -> str:
        """Return what a histogram measures a second, summed: bytes a second, seconds a second."""
        return self._sum(instrument, f"rate({self.series(instrument, '_sum')}[{self._over}])", by)

    def quantile(self, share: float, instrument: Instrument, *by: str) -> str:
        """Return the value that a share of the measurements does not exceed."""
        rate = self._sum(instrument, f"rate({self.series(instrument, '_bucket')}[{self._over}])", ("le", *by))
        return f"histogram_quantile({share}, {rate})"

    def mean(self, instrument: Instrument, *by: str) -> str:
        """Return the mean of what a histogram measured."""
        return f"{self.volume(instrument, *by)} / {self.rate(instrument, *by)}"

    def level(self, instrument: Instrument, *by: str, where: str = "") -> str:
        """Return the sum of a gauge or an up-down counter."""
        return self._sum(instrument, self.series(instrument, "", where), by)

    def least(self, instrument: Instrument, *by: str) -> str:
        """Return the smallest value of a gauge, such as how the worst of several processes sees it."""
        return self._sum(instrument, self.series(instrument), by).replace("sum", "min", 1)

    def share(self, instrument: Instrument, part: str, *by: str) -> str:
        """Return which share of the events has the labels of `part`; 0 where none has."""
        whole = self.rate(instrument, *by)
        return f"({self.rate(instrument, *by, where=part)} or 0 * {whole}) / {whole}"

    def series(self, instrument: Instrument, suffix: str = "", where: str = "") -> str:
        """Return a selector of series."""
        chosen = ",".join(filter(None, (self._selector, where)))
        return f"{metric_name(instrument, suffix)}{{{chosen}}}" if chosen else metric_name(instrument, suffix)

    def _sum(self, instrument: Instrument, what: str, by: tuple[str, ...]) -> str:
        known = {*instrument.constant, *instrument.varying, "le", "job", "instance"}
        unknown = [key for key in by if key not in known]
        if unknown:
            message = f"{instrument.name} has no attribute {unknown[0]}"
            raise KeyError(message)
        return f"sum by ({', '.join(map(label_name, by))}) ({what})" if by else f"sum({what})"


def metric_name(instrument: Instrument, suffix: str = "") -> str:
    """Return what the series of an instrument are called on a scrape."""
    name = family_name(instrument.name, instrument.unit, instrument.kind)[0]
    return f"{name}_total" if instrument.kind == COUNTER else name + suffix
