"""Post-import hooks: call a function once, right after a module was imported, whoever imports it.

Start path: imports only what a bare interpreter already has. No lock of ours is held while anything is called, and the
original loader is back in place before the module runs, so the module never sees us.
"""

from __future__ import annotations

import sys

from platform_instrument.core.guard import guard

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    Hook = Callable[[ModuleType], None]

_hooks: dict[str, list[Hook]] = {}


def when_imported(name: str, hook: Hook) -> None:
    """Call `hook(module)` as soon as the module is imported: at once where it already is."""
    module = sys.modules.get(name)
    if module is not None:
        guard(f"import hook of {name}", hook, module)
        return
    _hooks.setdefault(name, []).append(hook)


def forget(name: str) -> None:
    """Drop the hooks of a module that are still waiting."""
    _hooks.pop(name, None)


def waiting() -> tuple[str, ...]:
    """Return the modules whose import is waited for."""
    return tuple(_hooks)


def install() -> None:
    """Put the finder first, once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def uninstall() -> None:
    """Take the finder and all waiting hooks away."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    _hooks.clear()


def _fire(module: ModuleType, name: str) -> None:
    for hook in _hooks.pop(name, ()):
        guard(f"import hook of {name}", hook, module)


class _Finder:
    """Finds nothing itself: asks the others, and puts our loader around theirs for the modules that are waited for."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in _hooks:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find is not None else None
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, name)  # type: ignore[assignment]
                return spec
        return None


class _Loader:
    """The original loader, plus the hooks after the module has run."""

    def __init__(self, loader: Any, name: str) -> None:  # noqa: ANN401 - any loader
        self._loader = loader
        self._name = name

    def __getattr__(self, attribute: str) -> Any:  # noqa: ANN401 - the original loader's
        return getattr(self._loader, attribute)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Let the original make the module, and see itself in the spec."""
        spec.loader = self._loader
        try:
            created: ModuleType | None = self._loader.create_module(spec)
        finally:
            spec.loader = self  # type: ignore[assignment]
        return created

    def exec_module(self, module: ModuleType) -> None:
        """Restore the original loader, let it run the module, then call the hooks."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        _fire(module, self._name)
