"""Our own voice: one line on standard error, and never the same line again and again.

Not `logging`: it is not imported at start, it may be configured to go anywhere, and a line of ours must not travel
through the handlers that we instrument. Nor through what the application has put in the place of `sys.stderr`, mostly for a
moment, to see what a call of its own prints.

Start path: imports only what a bare interpreter already has.
"""

import sys
from time import monotonic

_EVERY = 60.0
_MOST_PLACES = 256
_last_said: dict[str, float] = {}


def say(line: str, *, place: str | None = None) -> None:
    """Write one line to standard error; with `place`, at most one a minute for that place. Never raises."""
    if place is not None:
        now = monotonic()
        last = _last_said.get(place)
        if last is not None and now - last < _EVERY:
            return
        if len(_last_said) >= _MOST_PLACES:
            _last_said.clear()
        _last_said[place] = now
    text = " ".join(line.split())[:1000]
    if not text.isprintable():  # somebody else's word in it may steer a terminal
        text = "".join([sign if sign.isprintable() else "?" for sign in text])
    stream = sys.__stderr__
    if stream is None:
        return  # the process has no standard error: there is nobody to tell
    try:
        stream.write(f"platform-instrument: {text}\n")
        stream.flush()
    except (OSError, RuntimeError, ValueError):
        return  # it is closed


def due(place: str) -> bool:
    """Say whether a line for this place would be written now."""
    last = _last_said.get(place)
    return last is None or monotonic() - last >= _EVERY


def forget() -> None:
    """Let every place speak again: for tests and for a freshly forked child."""
    _last_said.clear()
