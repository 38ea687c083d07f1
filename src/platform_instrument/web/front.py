"""How an application is served: what stands in front of it, chosen once by the settings.

By default its requests are observed. What else is asked for puts itself in front as it is installed, and is not there
otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.web.asgi import observe_asgi
from platform_instrument.web.wsgi import observe_wsgi

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.web import asgi, wsgi


class Front:
    """What makes of an application the one that is served, and what is to be told when one is loaded that says nothing of it."""

    asgi: Callable[[asgi.Application], asgi.Application] = staticmethod(observe_asgi)
    wsgi: Callable[[wsgi.Application], wsgi.Application] = staticmethod(observe_wsgi)
    loaded: Callable[[], object] = staticmethod(lambda: None)
