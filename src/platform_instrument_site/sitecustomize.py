"""Starts telemetry in every Python program that has this folder on `PYTHONPATH`; an own `sitecustomize` runs as well.

Nothing is removed from the environment, so that child processes inherit; nothing is added before anything on `sys.path`.
Rendered from `sitecustomize_templates/sitecustomize.py.in`; `PACKAGES` are folders that hold packages this interpreter
may lack, appended at the end.
"""

import os
import sys

PACKAGES = ()


def _here(folder):
    return os.path.abspath(folder or os.curdir) == os.path.dirname(os.path.abspath(__file__))


def _run_shadowed():
    """Run the `sitecustomize` that would have been found without this one, under its own name."""
    folders = [folder for folder in sys.path if not _here(folder)]
    if sys.version_info < (3,):
        import imp

        imp.load_module("sitecustomize", *imp.find_module("sitecustomize", folders))
        return
    spec = sys.modules["_frozen_importlib_external"].PathFinder.find_spec("sitecustomize", folders)
    if spec is None or spec.loader is None:
        return
    module = sys.modules["_frozen_importlib"].module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


def _package():
    """Make our package importable where only this folder is on the path, without exposing what lies beside it."""
    external = sys.modules["_frozen_importlib_external"]
    if "platform_instrument" in sys.modules or external.PathFinder.find_spec("platform_instrument") is not None:
        return
    parent = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    spec = external.PathFinder.find_spec("platform_instrument", [parent])
    if spec is not None and spec.loader is not None:
        module = sys.modules["_frozen_importlib"].module_from_spec(spec)
        sys.modules["platform_instrument"] = module
        spec.loader.exec_module(module)


def _start():
    sys.path.extend(folder for folder in PACKAGES if folder not in sys.path)
    try:
        _package()
        from platform_instrument._boot import start
    except Exception as error:  # a dangling folder: say so, the program goes on
        sys.stderr.write("platform-instrument: not started: %s\n" % " ".join(str(error).split()))
        return
    start("sitecustomize")


try:
    _run_shadowed()
finally:
    if sys.version_info >= (3, 10):
        _start()
