"""Medians over rounds as a Markdown table, ratios taken within each round, and the place in the documentation they go to."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.environments import BARE, OURS, ROOT, VANILLA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Rounds = Mapping[str, Sequence[Mapping[str, float]]]

DOCUMENT, README = ROOT / "docs" / "performance.md", ROOT / "README.md"
_BEGIN, _END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


def compared(title: str, unit: str, rounds: Rounds) -> str:
    """Return the table of what each implementation adds to the bare program; `rounds` is row → one mapping a round."""
    lines = [
        f"| {title} ({unit}) | bare | ours adds | vanilla adds | share of vanilla |",
        "|---|---:|---:|---:|---:|",
    ]
    for row, samples in rounds.items():
        bare = median(sample[BARE.name] for sample in samples)
        ours = median(sample[OURS.name] - sample[BARE.name] for sample in samples)
        vanilla = median(sample[VANILLA.name] - sample[BARE.name] for sample in samples)
        share = median((sample[OURS.name] - sample[BARE.name]) / (sample[VANILLA.name] - sample[BARE.name]) for sample in samples)
        lines.append(f"| {row} | {bare:.0f} | {ours:+.0f} | {vanilla:+.0f} | {share:.3f} |")
    return "\n".join(lines)


def pieces(ours: Mapping[str, float], sdk: Mapping[str, float]) -> str:
    """Return the table of the small pieces of work, in µs."""
    names = {
        "span": "span: start, make current, ten attributes, end",
        "encode": "OTLP encoding, per span",
        "histogram": "histogram record, five attributes, exemplar, by an instrumentation (bound: 1/12)",
        "meter": "the same, by the application through `opentelemetry.metrics` (bound: 1/3)",
        "extract": "trace context out of headers",
        "inject": "trace context into headers",
    }
    lines = ["| piece of work (µs) | ours | SDK | share |", "|---|---:|---:|---:|"]
    lines += [f"| {names[key]} | {ours[key]:.2f} | {sdk[key]:.2f} | {ours[key] / sdk[key]:.3f} |" for key in names]
    return "\n".join(lines)


def masking(measured: Mapping[str, Sequence[float]]) -> str:
    """Return the table of what sanitizing and masking cost, beside what they are measured by, and the bound of their ratio."""
    rows = {
        "new": ("a statement of 200 characters, at first sight", "sqlglot's compiled tokenizer alone", 1.5),
        "known": ("the same, once it is known", "at first sight", 1 / 100),
        "first": ("a log line of 200 characters without finds, at first sight", "six patterns in a row", 1 / 12),
        "clean": ("the same, once its shape is known", "six patterns in a row", 1 / 12),
        "finds": ("one with an e-mail address and a password", "six patterns in a row", 1 / 2),
        "import": ("import of what masks a line", "5 ms", 1.0),
    }
    lines = ["| masking (µs) | ours | compared with | takes | ratio | bound |", "|---|---:|---|---:|---:|---:|"]
    for key, (what, other, bound) in rows.items():
        ours, theirs = measured[key]
        lines.append(f"| {what} | {ours:.2f} | {other} | {theirs:.2f} | {ours / theirs:.4f} | {bound:.4f} |")
    return "\n".join(lines)


def printing(measured: Mapping[str, Sequence[float]]) -> str:
    """Return the table of what a line through a StreamHandler costs, beside the bare line, and the bound of its ratio."""
    bounds = {"ids": "1.3", "ids and masking": ""}
    lines = ["| a line through a StreamHandler (µs) | ours | bare | ratio | bound |", "|---|---:|---:|---:|---:|"]
    for key, bound in bounds.items():
        ours, bare = measured[key]
        lines.append(f"| with {key} | {ours:.2f} | {bare:.2f} | {ours / bare:.2f} | {bound} |")
    return "\n".join(lines)


def recorder(measured: Mapping[str, Sequence[float]]) -> str:
    """Return the table of what the flight recorder costs, beside the same without it."""
    rows = {
        "outside": ("a line below the level, outside of requests", "the same without it"),
        "kept": ("a line below the level, kept", "a line at the level, printed"),
        "printed": ("a line at the level, printed", "the same without it"),
        "request": ("a request without a line", "the same without it"),
    }
    lines = ["| flight recorder (µs) | ours | compared with | takes | ratio |", "|---|---:|---|---:|---:|"]
    for key, (what, other) in rows.items():
        ours, theirs = measured[key]
        lines.append(f"| {what} | {ours:.2f} | {other} | {theirs:.2f} | {ours / theirs:.2f} |")
    return "\n".join(lines)


def thinning(measured: Mapping[str, Sequence[float]]) -> str:
    """Return the table of what a line costs where lines are thinned, beside the bare line."""
    rows = {
        "level": "kept by its level",
        "trace": "kept by its trace",
        "bucket": "kept by its bucket",
        "left out": "left out",
        "text left out": "left out, a text that was never said before",
    }
    lines = ["| a line where lines are thinned (µs) | ours | bare | ratio |", "|---|---:|---:|---:|"]
    for key, what in rows.items():
        ours, bare = measured[key]
        lines.append(f"| {what} | {ours:.2f} | {bare:.2f} | {ours / bare:.2f} |")
    return "\n".join(lines)


def facts(measured: Mapping[str, Sequence[float]]) -> str:
    """Return the table of what is known of requests costs, beside the same without it."""
    rows = {
        "id asgi": "a request with an id, ASGI",
        "id wsgi": "a request with an id, WSGI",
        "headers asgi": "two headers that are attributes, ASGI",
        "headers wsgi": "two that are not there, WSGI",
        "said asgi": "two attributes that the service sets, ASGI",
        "said wsgi": "two attributes that the service sets, WSGI",
        "line": "a line with two attributes after its ids",
    }
    lines = ["| what is known of a request (µs) | ours | without it | more |", "|---|---:|---:|---:|"]
    for key, what in rows.items():
        ours, without = measured[key]
        lines.append(f"| {what} | {ours:.1f} | {without:.1f} | {ours - without:.1f} |")
    return "\n".join(lines)


def scrape(measured: Mapping[str, Sequence[float]]) -> str:
    """Return the table of what a scrape of 2 000 histograms costs, and the bound of its ratio where there is one."""
    rows = {
        "one": ("one process, text", "1/20"),
        "many": ("four workers, merged, text", "1/20"),
        "one sampled": ("one process, OpenMetrics, ours with exemplars", ""),
        "many sampled": ("four workers, merged, OpenMetrics, ours with exemplars", ""),
    }
    lines = [
        "| scrape of 2 000 histograms (ms of CPU) | ours | upstream, one process | ratio | bound |",
        "|---|---:|---:|---:|---:|",
    ]
    for key, (what, bound) in rows.items():
        ours, theirs = measured[key]
        lines.append(f"| {what} | {ours:.1f} | {theirs:.0f} | 1/{theirs / ours:.0f} | {bound} |")
    return "\n".join(lines)


def logs(measured: Mapping[str, Sequence[float]]) -> str:
    """Return the table of what the export of a line costs, and the bound of its ratio."""
    rows = {"bare": "a line with four values", "extras": "the same, with two attributes of its own"}
    lines = ["| export of a line (µs) | ours | SDK | ratio | bound |", "|---|---:|---:|---:|---:|"]
    for key, what in rows.items():
        ours, theirs = measured[key]
        lines.append(f"| {what} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.2f} | 1/4 |")
    return "\n".join(lines)


def shares(tables: Sequence[str]) -> str:
    """Return what the README shows of the tables that `compared` made: the first and the last column."""
    lines = ["| what | share of what upstream adds |", "|---|---:|"]
    for table in tables:
        title, _, *rows = table.splitlines()
        kind = title.strip("| ").partition(" (")[0]
        for row in rows:
            name, *_, share = row.strip("| ").split(" | ")
            lines.append(f"| {kind}: {name} | {share} |")
    return "\n".join(lines)


def write(document: Path, text: str) -> None:
    """Put figures where a document shows them."""
    before, _, rest = document.read_text().partition(_BEGIN)
    _, found, after = rest.partition(_END)
    assert found, f"{document} has no place for figures"
    document.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}")
