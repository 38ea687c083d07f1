"""werkzeug: the development server of `flask run` and `run_simple`.

Source: werkzeug/serving.py `BaseWSGIServer.__init__`, `WSGIRequestHandler.log_request` (2.0 to 3.1).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.web.afterwards import span_of_holder, within
from platform_instrument.web.fallback import serve_wsgi

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes


def observe_application(call: Call, _result: None) -> None:
    """Put the adapter around the application that the server was made for."""
    call.instance.app = serve_wsgi(call.instance.app)


def cover_lines(changes: Changes) -> None:
    """Have the line about a request carry its ids."""
    within(changes, sys.modules["werkzeug.serving"].WSGIRequestHandler, "log_request", span_of_holder)


INSTRUMENTATION = Instrumentation(
    name="werkzeug",
    requires="werkzeug>=2.0,<4",
    patches=(
        EditResult("werkzeug.serving:BaseWSGIServer.__init__", observe_application),
        Custom("werkzeug.serving", cover_lines, optional=True),
    ),
    modules=("werkzeug",),
)
