"""Where every door leads: start once, never raise, and cost nothing when switched off.

Start path: nothing is imported before it is sure that it has to be. A `.pth` line and PEP 829's `.start` file call
`start()` in every interpreter of the environment, so their gate, `PLATFORM_AUTO`, is in here.
"""


def start(door: str = "pth") -> None:
    """Start telemetry in this process, once however many doors are open; never raises."""
    import os
    import sys

    if door == "pth" and os.environ.get("PLATFORM_AUTO", "").strip().lower() not in {"1", "true", "yes", "on"}:
        return
    try:
        from platform_instrument.distro import startup

        startup.start(door)
    except Exception as error:  # noqa: BLE001 - the guard itself may be what is missing
        if sys.stderr is not None:
            sys.stderr.write(f"platform-instrument: not started: {type(error).__name__}: {error}\n")
