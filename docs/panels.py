"""Grafana dashboards as JSON: rows of panels over queries; `docs/monitoring.py` says which."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_WIDTH, _HEIGHT = 24, 8
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True)
class Panel:
    """One graph: `queries` are pairs of a query and what its lines are called; `unit` is one of Grafana's.

    With `exemplars`, dots lead from the graph to the trace.
    """

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    description: str = ""
    exemplars: bool = False
    kind: str = "timeseries"
    stacked: bool = False


@dataclass(frozen=True)
class Row:
    """Panels side by side, under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """A dashboard: `name` is that of its file and its uid, `variables` are pairs of a variable and the query for its values."""

    name: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[tuple[str, str], ...] = field(default=())

    def queries(self) -> list[str]:
        """Return every query of the dashboard."""
        return [query for row in self.rows for panel in row.panels for query, _ in panel.queries]

    def model(self) -> dict[str, Any]:
        """Return the dashboard as Grafana imports it."""
        return {
            "uid": f"platform-instrument-{self.name}",
            "title": self.title,
            "description": self.description,
            "tags": ["platform-instrument"],
            "schemaVersion": 39,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-1h", "to": "now"},
            "templating": {"list": [_data_source(), *(_variable(name, query) for name, query in self.variables)]},
            "panels": self._panels(),
        }

    def _panels(self) -> list[dict[str, Any]]:
        panels: list[dict[str, Any]] = []
        y = 0
        for row in self.rows:
            heading = {"type": "row", "title": row.title, "collapsed": False, "panels": []}
            panels.append({**heading, "gridPos": _place(0, y, _WIDTH, 1)})
            width = _WIDTH // len(row.panels)
            for at, panel in enumerate(row.panels):
                panels.append(_panel(panel, _place(at * width, y + 1, width, _HEIGHT)))
            y += 1 + _HEIGHT
        return [{"id": number, **panel} for number, panel in enumerate(panels, 1)]


def _panel(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    custom = {"fillOpacity": 10, "showPoints": "never", "stacking": {"mode": "normal" if panel.stacked else "none"}}
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, **({"custom": custom} if panel.kind == "timeseries" else {})},
            "overrides": [],
        },
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
        if panel.kind == "timeseries"
        else {"reduceOptions": {"calcs": ["lastNotNull"]}},
        "targets": [_target(chr(ord("A") + at), *one, exemplars=panel.exemplars) for at, one in enumerate(panel.queries)],
    }


def _target(name: str, query: str, legend: str, *, exemplars: bool) -> dict[str, Any]:
    return {"refId": name, "datasource": _SOURCE, "expr": query, "legendFormat": legend, "exemplar": exemplars}


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _data_source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "sort": 1,
    }
