"""A Pyramid application called by something that no instrumentation knows."""

from pyramid_app import app
from unclaimed import call_wsgi

call_wsgi(app, "/items/3")
