"""What sanitizing and masking cost, beside what others do on the way there: prints µs of each as JSON.

A tokenizer alone finds the literals of a statement; six patterns in a row are what a service writes for itself.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import count

from sqlglot.dialects import Postgres
from timing import best_us

from platform_instrument.privacy import mask, sanitize_sql
from platform_instrument.privacy.clean_lines import KNOWN

STATEMENT = (
    "SELECT o.id, o.total, c.name, c.email FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = 'open{0}' "
    "AND o.total > {0}.50 AND c.country IN ('DE', 'FR', 'IT') ORDER BY o.created_at LIMIT 50"
)
CLEAN = (
    "2025-11-25 22:11:07,123 INFO  shop.orders.service [worker-3] order accepted for processing in warehouse 17, 3 items, "
    "total 42.50 EUR, queue depth 12, took 35.7 ms, next attempt in 30 s (state=pending, retry=0)"
)
TWO_FINDS = CLEAN.replace("order accepted", "order of bob@example.com accepted").replace("retry=0", "password=hunter2X")
SCRUBBER = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[\w.+-]+@[\w-]+\.[\w.-]+", "[email]"),
        (r"\b(?:\d[ -]?){13,19}\b", "[card]"),
        (r"\+?\d[\d ().-]{7,}\d", "[phone]"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}\b", "[ip]"),
        (r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "[jwt]"),
        (r"(?i)(password|passwd|secret|token|api_key)\s*[=:]\s*\S+", r"\1=[secret]"),
    )
]
IMPORTS = """
import collections, contextlib, functools, logging, re, typing
from time import process_time_ns
before = process_time_ns()
import platform_instrument.privacy.pii
print((process_time_ns() - before) / 1e3)
"""

numbers = count(1_000)
tokenize = Postgres().tokenize


def new() -> str:
    """Return a statement that was not met before."""
    return STATEMENT.format(next(numbers))


def scrub(text: str) -> str:
    """Run the six patterns in a row."""
    for pattern, replacement in SCRUBBER:
        text = pattern.sub(replacement, text)
    return text


def mask_first() -> str:
    """Mask the line as if none of its shape was met before."""
    KNOWN.clear()
    return mask(CLEAN)


def in_turn(ours: Callable[[], str], theirs: Callable[[], str]) -> list[float]:
    """Return the best of each, measured one after the other again and again, since others may load the machine for a while."""
    rounds = [(best_us(ours, 500), best_us(theirs, 500)) for _ in range(9)]
    return [min(one for one, _ in rounds), min(other for _, other in rounds)]


def importing_us() -> float:
    """Return the CPU time of importing what masks, in a process that has what every service has."""
    command = [sys.executable, "-c", IMPORTS]
    return min(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(9))


assert mask(CLEAN) == CLEAN
assert "bob" not in mask(TWO_FINDS)
assert "hunter2X" not in mask(TWO_FINDS)
making = best_us(new, 2_000)
new_us = best_us(lambda: sanitize_sql(new(), "postgresql"), 2_000) - making
known = new()
print(
    json.dumps(
        {
            "new": [new_us, best_us(lambda: tokenize(new()), 2_000) - making],
            "known": [best_us(lambda: sanitize_sql(known, "postgresql")), new_us],
            "first": in_turn(mask_first, lambda: scrub(CLEAN)),
            "clean": in_turn(lambda: mask(CLEAN), lambda: scrub(CLEAN)),
            "finds": in_turn(lambda: mask(TWO_FINDS), lambda: scrub(TWO_FINDS)),
            "import": [importing_us(), 5_000],
        }
    )
)
