"""`docs/settings.md`, written from the schema and the catalogue: what is documented is what is read."""

from __future__ import annotations

from platform_instrument.config.catalogue import LIBRARY_SETTINGS, PROMISED, SECTIONS, UNSET
from platform_instrument.config.problem import shown
from platform_instrument.config.schema import Settings
from platform_instrument.config.setting import SIGNALS, Setting

_HEAD = """# Settings

Generated from the code by `make generate`.

Each setting is an environment variable; all of them but `PLATFORM_AUTO` and `PLATFORM_CONFIG_FILE` can stand in a file
too. The environment wins over the file, the file over the default. An empty variable counts as not set. A value that
does not fit is said in one line on standard error, with what is used instead, and the service starts.
`platform-instrument config` prints every setting, its value and where it came from.

Names are those of the OpenTelemetry specification, or of its Python packages, where these have one.
"""

_FILE = """## The file

`PLATFORM_CONFIG_FILE` names a YAML file (with the extra `[yaml]`) or a TOML file (Python 3.11 and later). The keys on
the way to a value, joined by `_`, are the variable's name, in upper or lower case; a list stands for values separated by
commas, and a mapping for `key=value` pairs.

```yaml
otel:
  service_name: shop
  resource_attributes:
    deployment.environment.name: production
  traces:
    sampler: parentbased_traceidratio
    sampler_arg: 0.1
platform:
  disabled_instrumentations: [sqlite3, redis]
  instrumentation:
    django: false
```
"""


def render() -> str:
    """Return the document."""
    lines = [_HEAD]
    for section, promises in SECTIONS.items():
        lines += [f"## {section}", "", "| variable | takes | default | what for |", "|---|---|---|---|"]
        lines += [_row(Settings.declared[variable.partition("_")[2].lower()], promise) for variable, promise in promises.items()]
        lines.append("")
        if any(Settings.declared[variable.partition("_")[2].lower()].signals for variable in promises):
            lines += [_signals(), ""]
    lines += ["## Single libraries", "", "`docs/libraries.md` has the names.", "", "| variable | what for |", "|---|---|"]
    lines += [f"| `{variable}` | {promise} |" for variable, promise in LIBRARY_SETTINGS.items()]
    return "\n".join([*lines, "", _FILE])


def _row(setting: Setting, promise: str) -> str:
    default = shown(setting, setting.default)
    cell = f"`{default}`" if default else UNSET.get(setting.variable, "none")
    name = f"`{setting.variable}`{'¹' if setting.signals else ''}"
    if setting.variable in PROMISED:
        promise += " *Not obeyed yet.*"
    return f"| {name} | {setting.kind.what} | {cell} | {promise} |"


def _signals() -> str:
    """Return the note on the variables of one signal."""
    names = ", ".join(f"`OTEL_EXPORTER_OTLP_{signal.upper()}_…`" for signal in SIGNALS)
    return (
        f"¹ Also for one signal alone: {names}, which wins over the general variable. An endpoint for one signal is the whole "
        "URL, to which nothing is appended; headers for one signal replace the general ones."
    )
