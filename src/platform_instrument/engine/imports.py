"""Post-import hooks: call a function right after a module was executed, whoever imports it, and again when it is reloaded.

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
else:
    ModuleSpec = type(sys.__spec__)

_hooks: dict[str, list[Hook]] = {}
_ran: dict[tuple[int, int], tuple[Any, Hook]] = {}
"""Which hook has run for which execution of a module: each makes a spec of its own, which is kept so that its id is."""


def when_imported(name: str, hook: Hook) -> None:
    """Call `hook(module)` as soon as the module is imported: at once where it already is."""
    _hooks.setdefault(name, []).append(hook)
    module = sys.modules.get(name)
    if module is None:
        return
    spec = getattr(module, "__spec__", None)
    if _half_imported(spec):
        _watch(spec, name)
    else:
        _run(module, name, hook)


def forget(name: str, hook: Hook) -> None:
    """Call a hook no more."""
    _hooks[name] = [kept for kept in _hooks.get(name, ()) if kept is not hook]
    if not _hooks[name]:
        del _hooks[name]


def waiting() -> tuple[str, ...]:
    """Return the modules whose import is waited for."""
    return tuple(name for name in _hooks if name not in sys.modules)


def install() -> None:
    """Put the finder first, once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def uninstall() -> None:
    """Take the finder and all hooks away."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    _hooks.clear()
    _ran.clear()


def _fire(module: ModuleType, name: str) -> None:
    for hook in tuple(_hooks.get(name, ())):
        _run(module, name, hook)


def _run(module: ModuleType, name: str, hook: Hook) -> None:
    """Call a hook, once for each execution of the module, whichever threads meet here."""
    spec = getattr(module, "__spec__", None)
    mark = (spec, hook)
    if _ran.setdefault((id(spec), id(hook)), mark) is mark:
        guard(f"import hook of {name}", hook, module)


class _Finder:
    """Finds nothing itself: asks the others, and puts our loader around theirs for the modules that are waited for."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in _hooks:
            return None
        finders = list(sys.meta_path)
        own = next((at for at, finder in enumerate(finders) if finder is self), -1)
        for finder in finders[own + 1 :]:  # those before us were asked already
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find is not None else None
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, name)  # type: ignore[assignment] # it passes for one
                elif spec.loader is None:  # a namespace package, which is not executed
                    _watch(spec, name)
                return spec
        return None


class _Loader:
    """The original loader, plus the hooks after the module has run."""

    def __init__(self, loader: Any, name: str) -> None:  # noqa: ANN401 - any loader
        self._loader = loader
        self._name = name

    @property  # type: ignore[misc] # mypy takes it for a plain attribute
    def __class__(self) -> type:
        """Pass for the original in `isinstance`: a spec may be looked at without an import."""
        return type(self._loader)

    def __repr__(self) -> str:
        return repr(self._loader)

    def __getattr__(self, attribute: str) -> Any:  # noqa: ANN401 - the original loader's
        return getattr(self._loader, attribute)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Let the original make the module, and see itself in the spec."""
        before, spec.loader = spec.loader, self._loader
        try:
            created: ModuleType | None = self._loader.create_module(spec)
        finally:
            spec.loader = before
        return created

    def exec_module(self, module: ModuleType) -> None:
        """Restore the original loader, let it run the module, then call the hooks."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        _fire(module, self._name)


class _Watched(ModuleSpec):
    """The spec of a module whose loader is out of reach: the import system says in it when the module is complete."""

    def __setattr__(self, attribute: str, value: object) -> None:
        object.__setattr__(self, attribute, value)
        if attribute == "_initializing" and not value:
            _complete(self, self.name)


_Watched.__name__ = _Watched.__qualname__ = "ModuleSpec"


def _watch(spec: Any, name: str) -> None:  # noqa: ANN401 - a module's spec, of any class
    if type(spec) is not ModuleSpec:
        return
    begun = _half_imported(spec)
    object.__setattr__(spec, "__class__", _Watched)
    if begun and not _half_imported(spec):  # it was completed by another thread meanwhile
        _complete(spec, name)


def _half_imported(spec: object) -> bool:
    """Say whether a module is being executed, further up this stack or in another thread."""
    return bool(getattr(spec, "_initializing", False))


def _complete(spec: object, name: str) -> None:
    object.__setattr__(spec, "__class__", ModuleSpec)
    module = sys.modules.get(name)
    if module is not None:
        _fire(module, name)
