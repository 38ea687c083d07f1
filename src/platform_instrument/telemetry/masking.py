"""The settings of masking, put in force: what is hidden, and behind what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.report import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.config.schema import Settings
    from platform_instrument.privacy.detector import Detector


def put_in_force(settings: Settings) -> None:
    """Put modes and patterns in force; nothing is loaded where they are the defaults and were never others."""
    global _changed  # noqa: PLW0603 - one a process
    if not (settings.mask or settings.mask_patterns or _changed):
        return
    from platform_instrument.privacy.labels import DEFAULT, Labels  # loaded with the first value to hide otherwise
    from platform_instrument.privacy.pii import use

    _changed = True
    use(Labels({**DEFAULT, **_modes(settings)}, settings.mask_key or ""), _custom(settings.mask_patterns))


def _modes(settings: Settings) -> Mapping[str, str]:
    """Return the modes of the settings; pseudonyms without a key would be guessed by trying all values."""
    modes = settings.mask
    hashed = [kind for kind, mode in modes.items() if mode == "hash"]
    if not hashed or settings.mask_key:
        return modes
    say(
        f"PLATFORM_MASK wants pseudonyms for {', '.join(hashed)}, which need a key; they are masked; "
        "set PLATFORM_MASK_KEY to a secret that all services share",
        place="setting PLATFORM_MASK_KEY",
    )
    return {kind: "mask" if mode == "hash" else mode for kind, mode in modes.items()}


def _custom(patterns: tuple[str, ...]) -> tuple[Detector, ...]:
    if not patterns:
        return ()
    from platform_instrument.privacy.custom import custom

    detectors, refused = custom(patterns)
    for pattern, reason in refused:
        say(f"PLATFORM_MASK_PATTERNS: {pattern[:100]!r} is left out: {reason}", place=f"setting PLATFORM_MASK_PATTERNS {pattern}")
    return detectors


_changed = False
