"""The settings and the pages of a Django site."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import path

ROOT_URLCONF = "django_site"
ALLOWED_HOSTS = ["*"]
SECRET_KEY = "made up"
MIDDLEWARE: list[str] = []
LOGGING_CONFIG = None


class RefusedError(Exception):
    """What handlers raise."""


def items(_request: Any, number: int) -> HttpResponse:
    """Answer with the number."""
    return HttpResponse(str(number))


def fail(_request: Any) -> HttpResponse:
    """Fail."""
    raise RefusedError


def refuse(_request: Any) -> HttpResponse:
    """Answer that it cannot be done now."""
    return HttpResponse("no", status=503)


urlpatterns = [path("items/<int:number>", items), path("fail", fail), path("refuse", refuse)]
