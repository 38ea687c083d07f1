"""`make corpus`: judge the detectors and the sanitizer by the rows in `PLATFORM_CORPUS`, and publish the figures."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.corpus.document import DOCUMENT, rendered, written
from tests.corpus.figures import FILES, figures, missing

_REMEDY = f"""\
set PLATFORM_CORPUS to a folder that holds {", ".join(FILES)}
docs/privacy.md (How it is measured) says what their rows are, and from which public projects they are made
"""


def main(document: Path = DOCUMENT) -> int:
    """Print the figures and write them into a document."""
    named = os.environ.get("PLATFORM_CORPUS", "")
    lacking = missing(Path(named)) if named else []
    if lacking or not named:
        what = f"{named}: no {' and no '.join(lacking)}" if named else "PLATFORM_CORPUS is not set"
        sys.stderr.write(f"{what}\n{_REMEDY}")
        return 2
    found = figures(Path(named))
    text = rendered(found)
    sys.stdout.write(f"{text}\n")
    document.write_text(written(text, document))
    failures = found.failures()
    if failures:
        sys.stderr.write(f"out of bounds: {', '.join(failures)}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
