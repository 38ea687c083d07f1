"""A WSGI application below ASGI, by way of a library."""

from a2wsgi import WSGIMiddleware
from starlette.applications import Starlette
from starlette.routing import Mount
from wsgi_apps import app as legacy

app = WSGIMiddleware(legacy)
mounted = Starlette(routes=[Mount("/old", WSGIMiddleware(legacy))])
