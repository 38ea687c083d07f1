"""`platform-instrument site`: writes a folder for `PYTHONPATH`, with which an unchanged image starts telemetry."""

from __future__ import annotations

import sys
from pathlib import Path

from platform_instrument.cli.output import put
from platform_instrument.distro.site_folder import FILE, is_ours, rendered

_USAGE = """usage: platform-instrument site FOLDER [--packages DIR ...]

Writes FOLDER/sitecustomize.py, which starts telemetry in every Python program that has FOLDER on its PYTHONPATH. Each DIR
holds packages that the program's interpreter may lack, such as `pip install --target DIR platform-instrument` puts there;
they are searched last. Name DIR as the program will see it; docs/containers.md has examples.
"""


def site(arguments: list[str]) -> int:
    """Write the folder, and return the exit code."""
    if arguments in (["-h"], ["--help"]):
        put(_USAGE)
        return 0
    folder, option, packages = arguments[:1], arguments[1:2], arguments[2:]
    if not folder or folder[0].startswith("-") or option not in ([], ["--packages"]) or bool(option) is not bool(packages):
        sys.stderr.write(_USAGE)
        return 2
    return _written(Path(folder[0]), rendered([str(Path(each).absolute()) for each in packages]))


def _written(folder: Path, text: str) -> int:
    """Write the file, unless there is one that is not ours, which would be lost."""
    file = folder / FILE
    if file.exists() and not is_ours(str(folder)):
        sys.stderr.write(f"platform-instrument: {file} is there and is not ours; name a folder of its own\n")
        return 1
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"platform-instrument: {file}: {error.strerror}\n")
        return 1
    return 0
