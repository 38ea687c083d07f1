"""The figures as tables of `docs/privacy.md`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.corpus.figures import (
    ALARMS,
    ALARMS_OF_VALIDATED,
    RECALL,
    RECALL_OF_NAMED,
    RECALL_OF_TOKENS,
    SHARE_OF_SUMMARIES,
    SHARE_OF_TEXTS,
    VALIDATED,
)

if TYPE_CHECKING:
    from tests.corpus.figures import Figures, Share

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "privacy.md"
_BEGIN, _END = "<!-- figures: written by make corpus -->", "<!-- end of figures -->"

_TYPES = {
    "email": "e-mail",
    "credit_card": "payment card",
    "iban": "IBAN",
    "us_ssn": "US social security number",
    "phone": "telephone",
    "ip": "IP address, where they are hidden",
}


def rendered(found: Figures) -> str:
    """Return the tables."""
    tables = (_statements(found), _recall(found), _secrets(found), _alarms(found), [f"Rows: {found.rows}."])
    return "\n\n".join("\n".join(lines) for lines in tables)


def written(text: str, document: Path = DOCUMENT) -> str:
    """Return the document with the tables in their place."""
    before, _, rest = document.read_text().partition(_BEGIN)
    _, found, after = rest.partition(_END)
    assert found, f"{document} has no place for figures"
    return f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}"


def _statements(found: Figures) -> list[str]:
    rows = (
        ("statements whose literals are all hidden", found.literals, "all"),
        ("texts as expected", found.texts, f"{SHARE_OF_TEXTS:.0%}"),
        ("summaries as expected", found.summaries, f"{SHARE_OF_SUMMARIES:.0%}"),
    )
    lines = ["| SQL | right | of | share | bound |", "|---|---:|---:|---:|---:|"]
    lines += [f"| {name} | {share.right} | {share.all} | {_percent(share)} | {bound} |" for name, share, bound in rows]
    misses = [f"- {name}, row {row}: {why}" for name, share, _ in rows for row, why in share.misses]
    return [*lines, "", *(misses or ["No statement is missed."])]


def _recall(found: Figures) -> list[str]:
    lines = ["| personal data | masked | of | recall | bound |", "|---|---:|---:|---:|---:|"]
    for kind, name in _TYPES.items():
        share = found.recall[kind]
        bound = f"{RECALL[kind]:.2f}" if kind in RECALL else "-"
        lines.append(f"| {name} | {share.right} | {share.all} | {share.share:.3f} | {bound} |")
    return lines


def _secrets(found: Figures) -> list[str]:
    lines = ["| secrets, made when this runs | masked | of | recall | bound |", "|---|---:|---:|---:|---:|"]
    rows = (
        ("tokens and keys of published shapes", found.tokens, RECALL_OF_TOKENS),
        ("known by what stands beside them", found.named, RECALL_OF_NAMED),
    )
    lines += [f"| {name} | {share.right} | {share.all} | {share.share:.3f} | {bound:.2f} |" for name, share, bound in rows]
    return lines


def _alarms(found: Figures) -> list[str]:
    """Return false alarms: kinds that have some, all together, and the rows."""
    groups = list(found.lines)
    kinds = sorted({kind for _, _, of in found.alarms for kind in of})
    rows = [(kind, frozenset((kind,)), "-") for kind in kinds]
    rows += [("validated kinds together", VALIDATED, f"1 in {1 / ALARMS_OF_VALIDATED:,.0f} log lines")]
    rows += [("all kinds together", frozenset(kinds), f"1 in {1 / ALARMS:,.0f} log lines")]
    heads = " | ".join(f"of {found.lines[group]:,} {_GROUPS.get(group, group)}" for group in groups)
    lines = [f"| false alarms | {heads} | bound |", "|---|" + "---:|" * (len(groups) + 1)]
    for name, of, bound in rows:
        lines.append(f"| {name} | {' | '.join(str(found.alarmed(group, of)) for group in groups)} | {bound} |")
    listed = [f"- row {row} ({group}): {', '.join(of)}" for row, group, of in found.alarms]
    rightly = f"{found.changed_rightly} clean lines do hold an address or a credential, and are changed rightly."
    return [*lines, "", *listed, *([""] if listed else []), rightly]


_GROUPS = {"log": "log lines", "ua": "user agents", "prose": "lines of prose", "near-miss": "near-misses"}


def _percent(share: Share) -> str:
    return f"{share.share:.1%}"
