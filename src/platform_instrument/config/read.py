"""The settings, read: the environment over the file over the defaults, and every problem on the way. Never raises.

Start path: imports only what a bare interpreter already has; the file, problems and suggestions are loaded when met.
"""

from __future__ import annotations

from platform_instrument.config.schema import Settings, setting_of

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from platform_instrument.config.problem import ConfigProblem
    from platform_instrument.config.setting import Setting

PREFIXES = ("OTEL_", "PLATFORM_")

NOTHING = (False, None, (), ("none",), "keep")
"""Values of settings that want nothing: a switch's, a list's, an exporter's, a format's."""

_FOREIGN = (
    "OTEL_BLRP_SCHEDULED_",
    "OTEL_CONFIG_FILE",
    "OTEL_EXPERIMENTAL_",
    "OTEL_JAVA",
    "OTEL_LOGRECORD_",
    "OTEL_LOG_LEVEL",
    "OTEL_NODE_",
    "OTEL_POD_",
    "OTEL_PYTHON_CONFIGURATOR",
    "OTEL_PYTHON_DISTRO",
    "OTEL_RESOURCE_ATTRIBUTES_",
    "OTEL_SEMCONV_",
    "PLATFORM_INSTRUMENT_",
)
"""Names that are set by others, or by us for our own processes: looking for what they mean would cost each start 13 ms."""

_ADDRESSES = ("_SERVICE_HOST", "_SERVICE_PORT", "_TCP", "_UDP")
"""What Kubernetes adds to the name of each service, `platform-api` for instance."""


def read(environ: Mapping[str, str]) -> tuple[Settings, list[ConfigProblem]]:
    """Return the settings in force and what is wrong with those that were given.

    A value that is empty counts as not set; one that does not fit leaves what the layer below says.
    """
    settings = Settings()
    problems: list[ConfigProblem] = []
    misfits: list[tuple[Setting, str, str]] = []
    path = environ.get("PLATFORM_CONFIG_FILE", "").strip()
    if path:
        from platform_instrument.config.file import entries, unknown_keys

        written, problems = entries(path)
        problems += unknown_keys(_lay(settings, written, "file", misfits))
    given = [(name, value) for name, value in environ.items() if name.startswith(PREFIXES)]
    unknown = _lay(settings, given, "environment", misfits)
    _inherit(settings)
    if misfits:
        from platform_instrument.config.problem import does_not_fit

        problems += [does_not_fit(settings, *misfit) for misfit in misfits]
    unknown = [name for name in unknown if not _is_foreign(name)]
    if unknown:
        from platform_instrument.config.suggestions import misspelt

        problems += misspelt(unknown)
    for queue in ("bsp", "blrp"):
        _fit_batch(settings, queue, problems)
    if any(attribute.startswith(("probes_", "admin_")) for attribute in settings.sources):
        from platform_instrument.config.places import fit_places

        fit_places(settings, problems)
    return settings, problems


def _lay(settings: Settings, given: Iterable[tuple[str, str]], source: str, misfits: list[tuple[Setting, str, str]]) -> list[str]:
    """Lay one source over the settings, note what does not fit; return the names that no setting has."""
    unknown = []
    for name, value in given:
        text = value.strip()
        setting = setting_of(name)
        if setting is None:
            unknown.append(name)
        elif text:
            fit = setting.kind.parse(text)
            if fit is None:
                misfits.append((setting, text, source))
            else:
                setting.put(settings, fit)
                settings.sources[setting.attribute] = source
    return unknown


def _inherit(settings: Settings) -> None:
    """Let a general limit hold where the particular one is not set."""
    for attribute, setting in Settings.declared.items():
        general = setting.general
        if general in settings.sources and attribute not in settings.sources:
            setting.put(settings, getattr(settings, general))
            settings.sources[attribute] = settings.sources[general]


def _fit_batch(settings: Settings, queue: str, problems: list[ConfigProblem]) -> None:
    """Keep a batch that was asked for within its queue, as the specification demands."""
    attribute = f"{queue}_max_export_batch_size"
    most = getattr(settings, f"{queue}_max_queue_size")
    if attribute in settings.sources and getattr(settings, attribute) > most:
        from platform_instrument.config.problem import larger_than_queue

        problems.append(larger_than_queue(Settings.declared[attribute], getattr(settings, attribute), most))
        setattr(settings, attribute, most)


def _is_foreign(name: str) -> bool:
    return name.startswith(_FOREIGN) or (name.startswith("PLATFORM_") and any(sign in name for sign in _ADDRESSES))
