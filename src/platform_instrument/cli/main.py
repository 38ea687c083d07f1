"""The command: `platform-instrument CMD…` becomes CMD under instrumentation; other words are commands of our own.

Start path: every start of a service passes through here, so nothing but `os` and `sys` is imported before `execvp`.
"""

from __future__ import annotations

import os
import sys

_USAGE = """usage: platform-instrument COMMAND [ARGUMENT ...]     run COMMAND with telemetry
       platform-instrument run -- COMMAND ...        the same, where COMMAND has the name of a subcommand
       platform-instrument config [--json]           every setting, its value and where it came from
       platform-instrument doctor [--json] [-- COMMAND ...]
                                                     what is instrumented here, and what is wrong
       platform-instrument audit [--json] FILE ...   what would be masked in captured logs and telemetry
       platform-instrument site FOLDER [--packages DIR ...]
                                                     write a folder for PYTHONPATH, for images
       platform-instrument --version

examples: platform-instrument python app.py
          platform-instrument gunicorn -w 2 shop:app
"""
_SUBCOMMANDS = ("audit", "config", "doctor", "site")
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127


def main() -> int:
    """Run the command line; a started program never returns here."""
    arguments = sys.argv[1:]
    first = arguments[0] if arguments else "--help"
    if first in {"-h", "--help"}:
        sys.stdout.write(_USAGE)
        return 0 if arguments else 2
    if first == "--version":
        from platform_instrument import __version__

        sys.stdout.write(f"platform-instrument {__version__}\n")
        return 0
    if first in _SUBCOMMANDS:
        return _subcommand(first, arguments[1:])
    if first == "run":
        arguments = arguments[1:]
        if arguments[:1] == ["--"]:
            arguments = arguments[1:]
    if not arguments or arguments[0].startswith("-"):
        sys.stderr.write(_USAGE)
        return 2
    return _become(arguments)


def _subcommand(name: str, arguments: list[str]) -> int:
    """Run one of our own commands, and load no other."""
    if name == "audit":
        from platform_instrument.cli.audit import audit

        return audit(arguments)
    if name == "config":
        from platform_instrument.cli.config import config

        return config(arguments)
    if name == "doctor":
        from platform_instrument.cli.doctor import doctor

        return doctor(arguments)
    from platform_instrument.cli.site import site

    return site(arguments)


def _become(command: list[str]) -> int:
    """Replace this process with the program: same PID, same exit code, same signals."""
    environ = instrumented(os.environ)
    environ["_PLATFORM_INSTRUMENT_PID"] = str(os.getpid())
    try:
        os.execvpe(command[0], command, environ)  # noqa: S606 - starting the program is what the command is for
    except (FileNotFoundError, ValueError):  # an empty word is the latter
        sys.stderr.write(f"platform-instrument: {command[0]}: command not found\n")
        return _NOT_FOUND
    except OSError as error:
        sys.stderr.write(f"platform-instrument: {command[0]}: {error.strerror}\n")
        return _NOT_EXECUTABLE


def instrumented(environ: os._Environ[str] | dict[str, str]) -> dict[str, str]:
    """Return the environment with both inherited doors open: `PYTHONPATH` and, for `-I` and `-E`, the `.pth` file."""
    site = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "platform_instrument_site")
    changed = dict(environ)
    given = changed.get("PYTHONPATH")
    folders = [folder for folder in given.split(os.pathsep) if folder != site] if given else []
    changed["PYTHONPATH"] = os.pathsep.join([site, *folders])  # an empty one among them is the current folder
    changed.setdefault("PLATFORM_AUTO", "1")
    return changed
