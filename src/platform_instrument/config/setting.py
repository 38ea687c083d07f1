"""How a setting is declared: a value with its variable, kind and default, and the class that keeps the declarations.

Start path: imports only what a bare interpreter already has.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from platform_instrument.config import kinds
    from platform_instrument.config.schema import Settings

    T = TypeVar("T")

SIGNALS = ("traces", "metrics", "logs")


class Setting:
    """One setting; `general` names the setting whose value holds where this one is not set."""

    __slots__ = ("attribute", "default", "general", "kind", "prefix", "signals")

    attribute: str

    def __init__(self, prefix: str, default: object, kind: kinds.Kind, general: str = "", *, signals: bool = False) -> None:
        self.prefix = prefix
        self.default = default
        self.kind = kind
        self.general = general
        self.signals = signals

    @property
    def variable(self) -> str:
        """The environment variable."""
        return self.prefix + self.attribute.upper()

    def get(self, settings: Settings) -> object:
        """Return the value in force."""
        return getattr(settings, self.attribute)

    def put(self, settings: Settings, value: object) -> None:
        """Put a value in force."""
        setattr(settings, self.attribute, value)


class LibrarySetting(Setting):
    """A setting whose variable names a library; the values of all libraries are held in one dict, `family`."""

    __slots__ = ("family", "library")

    def __init__(self, prefix: str, attribute: str, kind: kinds.Kind, family: str, library: str) -> None:
        super().__init__(prefix, None, kind)
        self.attribute = attribute
        self.family = family
        self.library = library

    def get(self, settings: Settings) -> object:
        """Return the value in force, None where there is none."""
        return getattr(settings, self.family).get(self.library)

    def put(self, settings: Settings, value: object) -> None:
        """Put a value in force."""
        getattr(settings, self.family)[self.library] = value


def otel(default: T, kind: kinds.Kind, *, general: str = "", signals: bool = False) -> T:
    """Declare an `OTEL_` variable; with `signals`, also its forms for traces, metrics and logs alone."""
    return Setting("OTEL_", default, kind, general, signals=signals)  # type: ignore[return-value] # its default, see Schema


def platform(default: T, kind: kinds.Kind) -> T:
    """Declare a `PLATFORM_` variable."""
    return Setting("PLATFORM_", default, kind)  # type: ignore[return-value] # its default, see Schema


def of_signal(attribute: str, signal: str) -> str:
    """Return what a general setting of an exporter is called for one signal alone."""
    return f"exporter_otlp_{signal}_{attribute[14:]}"


class Schema(type):
    """Keeps the declarations and leaves the default of each in its place, so that new settings cost nothing."""

    declared: dict[str, Setting]
    """By attribute, in order."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Schema:  # noqa: D102 - see class
        declared: dict[str, Setting] = {}
        for attribute, setting in namespace.items():
            if type(setting) is Setting:
                setting.attribute = attribute
                declared[attribute] = setting
                if setting.signals:
                    for signal in SIGNALS:
                        own = Setting("OTEL_", None, setting.kind)
                        own.attribute = of_signal(attribute, signal)
                        declared[own.attribute] = own
        for attribute, setting in declared.items():
            namespace[attribute] = setting.default
        made = super().__new__(cls, name, bases, namespace)
        made.declared = declared
        return made


class Found:
    """What stands beside the declared settings: where they came from, what is set by library, whom an instance id is for."""

    __slots__ = ("excluded_urls_by_library", "instance", "instrumentation_switches", "sources")

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}
        """Attribute to `environment` or `file`; what stands at its default is absent."""
        self.instrumentation_switches: dict[str, str] = {}
        """`PLATFORM_INSTRUMENTATION_<NAME>` by name."""
        self.excluded_urls_by_library: dict[str, tuple[str, ...]] = {}
        """`OTEL_PYTHON_<LIBRARY>_EXCLUDED_URLS` by library."""
        self.instance = ""
        """The id of the process that the resource attributes' `service.instance.id` is for; empty: whichever asks."""
