"""What doctor has found: a stable code, what it is about, what is the matter, what to do. See docs/troubleshooting.md."""

from __future__ import annotations

from dataclasses import dataclass

ERROR, WARNING, INFO = "error", "warning", "info"

CODES = {
    # The doors
    "PI101": ERROR,  # PLATFORM_AUTO is set and the .pth file is not there
    "PI102": WARNING,  # opentelemetry-instrument would load another distro
    "PI103": WARNING,  # everything is switched off
    "PI104": ERROR,  # the command could not be started
    "PI105": ERROR,  # no process of the command was instrumented
    "PI106": INFO,  # a process was left alone
    "PI107": WARNING,  # the command ended badly
    # Settings
    "PI201": ERROR,  # a value is wrong
    "PI202": WARNING,  # a name is nearly ours
    "PI203": WARNING,  # a list names an instrumentation that nobody knows
    "PI204": WARNING,  # a setting that nothing obeys yet is set
    # Libraries
    "PI301": WARNING,  # a library's version is none of those tested
    "PI302": WARNING,  # a library's version is unknown
    "PI303": ERROR,  # a library is not as we know it, so it is not instrumented
    "PI304": ERROR,  # an instrumentation took itself back after many faults
    "PI305": WARNING,  # a library was imported before start-up
    "PI306": WARNING,  # the trial of the libraries did not end
    "PI307": WARNING,  # a library was imported in the trial, and nothing was patched
    # Others
    "PI401": WARNING,  # another agent is at work
    "PI402": INFO,  # an instrumentor of upstream's observes what ours does
    "PI403": INFO,  # the application has a tracer provider of its own
    "PI404": INFO,  # another agent is installed
    "PI405": INFO,  # an instrumentor of upstream's observes what ours does not
    # Export
    "PI501": ERROR,  # nobody listens
    "PI502": ERROR,  # the collector refuses
    "PI503": WARNING,  # port and protocol do not belong together
    "PI504": ERROR,  # the exporter is not installed
    "PI505": INFO,  # nothing leaves
    "PI506": ERROR,  # the port for scrapes is somebody else's
    "PI507": INFO,  # a service of ours is scraped there already
    "PI508": ERROR,  # the port of the probes is somebody else's
    # In the process
    "PI601": ERROR,  # a fault of ours was contained
    "PI602": ERROR,  # telemetry was lost
    "PI603": INFO,  # libraries were patched, and nothing was recorded
    "PI604": INFO,  # something was left out to keep to the budget of what observing costs
    "PI605": WARNING,  # the budget was not kept, and nothing more could be left out
}
"""Each code and how bad it is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; `subject` is a variable, a library, a signal or a process."""

    code: str
    subject: str
    message: str
    remedy: str

    @property
    def severity(self) -> str:
        """How bad it is: `error`, `warning` or `info`."""
        return CODES[self.code]

    def described(self) -> dict[str, str]:
        """Return it as JSON."""
        return {
            "code": self.code,
            "severity": self.severity,
            "subject": self.subject,
            "message": self.message,
            "remedy": self.remedy,
        }
