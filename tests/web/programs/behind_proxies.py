"""Applications behind what tells them who the client is."""

import bare
from hypercorn.middleware import ProxyFixMiddleware

fixed = ProxyFixMiddleware(bare.asgi)  # type: ignore[arg-type] # an application without types
