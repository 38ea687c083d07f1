"""werkzeug: the development server of `flask run` and `run_simple`.

Source: werkzeug/serving.py `BaseWSGIServer.__init__` (2.0 to 3.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import EditResult, Instrumentation
from platform_instrument.web.fallback import serve_wsgi

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def observe_application(call: Call, _result: None) -> None:
    """Put the adapter around the application that the server was made for."""
    call.instance.app = serve_wsgi(call.instance.app)


INSTRUMENTATION = Instrumentation(
    name="werkzeug",
    requires="werkzeug>=2.0,<4",
    patches=(EditResult("werkzeug.serving:BaseWSGIServer.__init__", observe_application),),
    modules=("werkzeug",),
)
