"""Django in one file, with its default LOGGING or a service's own."""

import logging
import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

OWN = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "pythonjsonlogger.json.JsonFormatter", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django.server": {"handlers": ["console"], "level": "INFO", "propagate": False}},
}


def pay(_request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - a view
    logging.getLogger("shop").warning("in /pay")
    return HttpResponse("paid")


def fail(_request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - a view
    raise ValueError("no money")


settings.configure(
    DEBUG=True,
    SECRET_KEY="shop",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    **({"LOGGING": OWN} if os.environ.get("SHOP_LOGGING") == "json" else {}),
)
urlpatterns = [path("pay", pay), path("fail", fail)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
else:
    application = get_wsgi_application()
