"""Celery: its broker is known before the first task is sent; see `kombu_checks`, which asks it; not observed.

Only with probes. An application keeps a connection that is never connected, made from its settings as soon as those are known, or
from the URL that it was made with. One without a broker, or one that calls its tasks by itself, depends on none.
Source: celery/app/base.py (5.3 to 5.7).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import EditResult, Instrumentation

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_BROKER = "_platform_instrument_broker"  # where an application keeps the connection


def made(call: Call, _result: None) -> None:
    """Take an application that was made with the URL of a broker."""
    app = call.instance
    early = app._preconf  # noqa: SLF001 - to ask for a setting would load them all
    url = early.get("broker_url")
    if url:
        ssl, options = early.get("broker_use_ssl"), early.get("broker_transport_options")
        app.__dict__[_BROKER] = sys.modules["kombu"].Connection(url, ssl=ssl, transport_options=options)


def configured(call: Call, conf: Any) -> Any:  # noqa: ANN401 - celery.app.utils.Settings
    """Take an application whose settings are known."""
    fields = call.instance.__dict__
    before = fields.pop(_BROKER, None)  # until the other one is there, so that nothing comes and goes
    if conf.broker_write_url and not conf.task_always_eager:
        fields[_BROKER] = call.instance.connection_for_write()
    del before
    return conf


INSTRUMENTATION = Instrumentation(
    name="celery_checks",
    requires="celery>=5.3,<6",
    patches=(
        EditResult("celery.app.base:Celery.__init__", made),
        EditResult("celery.app.base:Celery._load_config", configured),
    ),
    modules=("celery",),
    settings=("probes", "admin_port"),
)
