"""Telemetry for any Python service without a change to its code: an OpenTelemetry distro."""

__version__ = "0.1.0"
