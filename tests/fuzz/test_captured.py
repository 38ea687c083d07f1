"""What `audit` is pointed at: logs and OTLP JSON that anything may have written, damaged or whole."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from platform_instrument.cli.captured import Capture
from tests.fuzz.fuzzing import ANY, fuzzed, texts

KEYS = st.sampled_from(["resourceSpans", "scopeSpans", "spans", "name", "attributes", "key", "value", "stringValue", "intValue", "events",
                        "resourceLogs", "logRecords", "body", "kvlistValue", "arrayValue", "values", "db.system.name"])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY | st.sampled_from(["postgresql", "SELECT 1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)
DOCUMENTS = st.tuples(
    st.sampled_from(["resourceSpans", "resourceLogs", "resourceMetrics"]), JSON, st.sampled_from([None, 2])
).map(lambda case: json.dumps({case[0]: case[1]}, indent=case[2]))
LINES = texts('{"resourceSpans":', "[", "]", "{", "}", '"', ":", ",", "1" * 5_000, "\n", "null", "\\u", "1e999", "NaN")
FILES = (
    st.lists(DOCUMENTS | LINES, max_size=5).map(lambda parts: "\n".join(parts).encode("utf-8", "replace"))
    | st.binary(max_size=300)
    | DOCUMENTS.map(lambda text: gzip.compress(text.encode("utf-8", "replace")))
    | st.binary(max_size=60).map(b"\x1f\x8b".__add__)
)


@fuzzed(FILES, b'{"resourceSpans": ' + b"[" * 100_000, b'{"resourceSpans": ' + b"1" * 5_000 + b"}")
def test_any_file_is_read_to_its_end(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "captured"
        path.write_bytes(content)
        capture = Capture(str(path))
        pieces: list[Any] = list(capture.pieces())
    assert sum(len(piece.text) for piece in pieces) <= len(content) * 2 + 100
    assert all(piece.line >= 0 for piece in pieces)
    assert all(problem.remedy for problem in capture.problems)
