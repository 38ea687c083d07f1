"""A Django project in one file, as a WSGI and as an ASGI application."""

from typing import Any

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="made up for a test", DEBUG=False, LOGGING_CONFIG=None)
django.setup()


def answer(_request: HttpRequest, **values: Any) -> HttpResponse:
    return HttpResponse(str(values))


async def answer_async(_request: HttpRequest, **values: Any) -> HttpResponse:
    return HttpResponse(str(values))


def fails(_request: HttpRequest) -> HttpResponse:
    message = "nobody handles this"
    raise ValueError(message)


urlpatterns = [
    path("plain/", answer),
    path("items/<int:item>/", answer_async),
    re_path(r"^years/(?P<year>[0-9]{4})/$", answer),
    path("fails/", fails),
    path(
        "api/", include([path("v1/", include([path("things/<slug:thing>/", answer)])), re_path(r"^raw/(?P<name>\w+)$", answer)])
    ),
]

wsgi = get_wsgi_application()
asgi = get_asgi_application()
