"""Kinds of values: what a variable's text must look like, and the value it stands for.

A kind's `parse` takes a stripped, non-empty text and returns its value, or None where the text does not fit; it never
raises. Start path: imports only what a bare interpreter already has.
Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

from platform_instrument.core.masking import KINDS, MODES

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

_HEADER_NAME = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
_HEX = frozenset("0123456789abcdefABCDEF")
_LARGEST_PORT = 65_535
_LONGEST_PATH = 255
_BETWEEN_PATTERNS = r",(?!\d*\})"
"""A comma, but for that of a repeat such as `{1,64}`."""
_LONGEST_PATTERNS = 10_000
"""Most characters of regular expressions: compiling takes some microseconds for each, and the service waits."""


class Kind:
    """What fits: `what` completes "is not …", `remedy` tells how to write it, `unit` is the unit of the text."""

    __slots__ = ("choices", "parse", "remedy", "secret", "unit", "what")

    def __init__(
        self,
        what: str,
        remedy: str,
        parse: Callable[[str], object],
        *,
        unit: str = "",
        choices: tuple[str, ...] = (),
    ) -> None:
        self.what = what
        self.remedy = remedy
        self.parse = parse
        self.unit = unit
        self.choices = choices
        self.secret = False
        """Whether the value is never shown."""


def _flag(text: str) -> bool | None:
    word = text.lower()
    return True if word in {"true", "1", "yes", "on"} else False if word in {"false", "0", "no", "off"} else None


def _strict_flag(text: str) -> bool | None:
    """Take `true` alone for true, as the specification does; another word is not a flag, which leaves it false."""
    word = text.lower()
    return True if word == "true" else False if word == "false" else None


def listed(choices: tuple[str, ...] = (), *, lower: bool = True) -> Kind:
    """Return the kind of a comma-separated list without repetitions; `none` stands alone."""

    def parse(text: str) -> tuple[str, ...] | None:
        items = _items(text.lower() if lower else text)
        if (choices and any(item not in choices for item in items)) or ("none" in items and len(items) > 1):
            return None
        return items or None

    what = f"a list of {', '.join(choices)}" if choices else "a list of names separated by commas"
    return Kind(what, "separate the names by commas, and let none stand alone", parse, choices=choices)


def one_of(*choices: str) -> Kind:
    """Return the kind of one word, in upper or lower case."""

    def parse(text: str) -> str | None:
        word = text.lower()
        return word if word in choices else None

    return Kind(f"one of {', '.join(choices)}", "write one of these words", parse, choices=choices)


def one_of_or_plugin(group: str, *choices: str) -> Kind:
    """Return the kind of one word, or of the name of an entry point in this group."""
    words = one_of(*choices)

    def parse(text: str) -> str | None:
        word = words.parse(text)
        return word if isinstance(word, str) else text if _is_plugin(group, text) else None

    return Kind(words.what, words.remedy, parse, choices=choices)


def _is_plugin(group: str, name: str) -> bool:
    """Say whether an installed package provides this entry point; looked up only where none of our words is written."""
    from importlib.metadata import entry_points

    return bool(entry_points(group=group, name=name))


def whole(least: int, most: int = 2**31 - 1) -> Kind:
    """Return the kind of a whole number within a range."""
    return Kind(f"a whole number from {least} to {most}", "write digits alone", lambda text: _whole(text, least, most))


def milliseconds(least: int, most: int = 2**31 - 1) -> Kind:
    """Return the kind of a duration written as a whole number of milliseconds; its value is in seconds."""

    def parse(text: str) -> float | None:
        number = _whole(text, least, most)
        return None if number is None else number / 1000.0

    what = f"a whole number of milliseconds from {least} to {most}"
    return Kind(what, "write milliseconds without a unit, 10000 for ten seconds", parse, unit="ms")


def number(least: float, most: float, *, unit: str = "") -> Kind:
    """Return the kind of a decimal number within a range."""

    def parse(text: str) -> float | None:
        try:
            value = float(text)
        except ValueError:
            return None
        return value if least <= value <= most and text.isascii() and "_" not in text else None

    what = f"a number of {'seconds ' if unit else ''}from {least:g} to {most:g}".replace("number of from", "number from")
    return Kind(what, "write a decimal number without a unit", parse, unit=unit)


def _modes(text: str) -> dict[str, str] | None:
    """Return `kind=mode,kind=mode` as a dict; a mode alone is that of every kind."""
    if text.lower() in MODES:
        return dict.fromkeys(KINDS, text.lower())
    found = {}
    for item in _items(text.lower()):
        kind, _, mode = item.partition("=")
        if kind.strip() not in KINDS or mode.strip() not in MODES:
            return None
        found[kind.strip()] = mode.strip()
    return found or None


def instrumentation_name(text: str) -> str:
    """Return the one spelling of an instrumentation's name: lower case, with underscores."""
    return text.strip().lower().replace("-", "_").replace(".", "_")


def _instrumentation_names(text: str) -> tuple[str, ...] | None:
    return _items(instrumentation_name(text)) or None


def _patterns(text: str) -> tuple[str, ...] | None:
    """Return a list of regular expressions; `re` is loaded only where one is written, and it will be needed there."""
    import re

    if len(text) > _LONGEST_PATTERNS:
        return None
    items = tuple(dict.fromkeys(item for part in re.split(_BETWEEN_PATTERNS, text) if (item := part.strip())))
    try:
        for item in items:
            re.compile(item)
    except (re.error, ValueError, RecursionError, OverflowError, Warning):  # a warning where Python was started with -W error
        return None
    return items or None


def _later(name: str, text: str) -> object:
    from importlib import import_module  # few services set what is read by a module of its own

    return getattr(import_module(f"platform_instrument.config.{name}"), name)(text)


def _pairs(text: str) -> dict[str, str] | None:
    """Return `key=value,key=value` as a dict; values are percent-decoded, a broken pair spoils the whole."""
    found = {}
    for item in _items(text):
        key, equals, value = item.partition("=")
        decoded = unquote(value.strip())
        if not equals or not key.strip() or not _is_unicode(key) or decoded is None:
            return None
        found[key.strip()] = decoded
    return found or None


def _headers(text: str) -> dict[str, str] | None:
    """Return pairs that can be sent as HTTP headers and as gRPC metadata: names in lower case."""
    found = {}
    for name, value in (_pairs(text) or {}).items():
        if not _HEADER_NAME.issuperset(name.lower()) or not value.isascii() or not value.isprintable():
            return None
        found[name.lower()] = value
    return found or None


def _endpoint(text: str) -> str | None:
    """Return a URL of http or https, or a host that says neither, when its host and port can be right."""
    scheme, given, rest = text.partition("://")
    if not given:
        scheme, rest = "", text
    authority = rest.replace("?", "/").replace("#", "/").partition("/")[0].rpartition("@")[2]
    host, colon, port = authority.rpartition(":")
    if "[" in rest or "]" in rest:  # `urlsplit` is particular about them, wherever they stand
        fits = _fits_address(rest)
    else:
        fits = bool(host if colon else port) and ":" not in host and (not colon or _whole(port, 1, _LARGEST_PORT) is not None)
    if not fits or scheme.lower() not in {"", "http", "https"} or " " in text or not (text.isascii() and text.isprintable()):
        return None
    return f"{scheme.lower()}{given}{rest}"


def _url_path(text: str) -> str | None:
    """Return a path as a server hands it over: decoded, so that an escaped one would never be met."""
    fits = text.startswith("/") and not text.startswith("//") and text.isascii() and text.isprintable()
    return text if fits and not {*"?#% "} & {*text} and len(text) <= _LONGEST_PATH else None


def _fits_address(rest: str) -> bool:
    """Say whether a URL with brackets in it, those of an IPv6 address most likely, can be taken apart."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(f"http://{rest}")
        return parts.port != 0 and bool(parts.hostname)
    except ValueError:
        return False


def _items(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for part in text.split(",") if (item := part.strip())))


def _whole(text: str, least: int, most: int) -> int | None:
    """Return the number; `int` alone would take underscores, signs and the digits of every script."""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)):
        return None
    value = int(text)
    return value if least <= value <= most else None


def _is_unicode(text: str) -> bool:
    """Say whether a text is free of what stands for undecodable bytes of the environment."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def unquote(text: str) -> str | None:
    """Return a percent-decoded text, None where it is not UTF-8; `urllib` is too heavy for the start."""
    first, *parts = text.split("%")
    decoded = bytearray(first.encode("utf-8", "surrogatepass"))
    for part in parts:
        code = part[:2]
        if len(code) == 2 and _HEX.issuperset(code):  # noqa: PLR2004 - two digits
            decoded.append(int(code, 16))
            decoded += part[2:].encode("utf-8", "surrogatepass")
        else:
            decoded += b"%" + part.encode("utf-8", "surrogatepass")
    try:
        return decoded.decode("utf-8")
    except UnicodeDecodeError:
        return None


MASKING = Kind(
    f"a list of kind=mode, of the kinds {', '.join(KINDS)} and the modes {', '.join(MODES)}",
    "write email=hash,phone=off for instance, or one mode for all kinds",
    _modes,
)
SECRET = Kind("printable text", "write printable text", lambda text: text if text.isprintable() else None)
SECRET.secret = True
FLAG = Kind("true or false", "write true or false", _flag, choices=("true", "false"))
STRICT_FLAG = Kind("true or false", "write true or false", _strict_flag, choices=("true", "false"))
TEXT = Kind("printable text", "write printable text", lambda text: text if text.isprintable() else None)
URL_PATH = Kind(
    "the path of a URL", "write a path that begins with / and has no ?, # or %, /healthz/live for instance", _url_path
)
PATH = Kind("a path", "write a path", lambda text: text)
INSTRUMENTATIONS = Kind("a list of instrumentations", "separate the names by commas", _instrumentation_names)
PATTERNS = Kind(
    f"a list of regular expressions of up to {_LONGEST_PATTERNS} characters",
    "write regular expressions separated by commas",
    _patterns,
)
PAIRS = Kind("a list of key=value", "write key=value, separated by commas, with %2C for a comma in a value", _pairs)
HEADERS = Kind("a list of name=value", "write name=value, separated by commas, with %2C for a comma in a value", _headers)
HEADERS.secret = True
KEY_FILE = Kind("the path of a file", "write the path of a PEM file", lambda text: text)
KEY_FILE.secret = True
ENDPOINT = Kind("the URL of a collector", "write http://host:port or https://host:port", _endpoint)
_ADDRESSES = "write tcp://host:port or http://host/path, separated by commas, without password and query"
TARGETS = Kind("a list of addresses", _ADDRESSES, lambda text: _later("targets", text))
NAMED = Kind("a list of names, each alone or as name=attribute", "separate by commas", lambda text: _later("names", text))
NAMED_HEADERS = Kind(NAMED.what, NAMED.remedy, lambda text: _later("names", text.lower()))
SHARE = Kind("a share from 0.1% to 100%", "write a number and %, 3% for instance", lambda text: _later("share", text), unit="%")
HEADER = Kind("the name of a header", "write letters, digits and '-'", lambda text: _later("header", text))
_OWNERS = ("native", "contrib", "off")
OWNER = Kind(f"one of {', '.join(_OWNERS)}", "write one of these words", lambda text: _later("choice", text), choices=_OWNERS)
