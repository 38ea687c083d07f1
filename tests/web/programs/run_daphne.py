"""Django's `runserver`, as daphne's application makes it."""

import sys

from django.conf import settings
from django.core.management import execute_from_command_line

settings.configure(
    DEBUG=True,
    SECRET_KEY="not a secret",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["daphne"],
    ROOT_URLCONF=__name__,
    ASGI_APPLICATION="bare.asgi",
)
urlpatterns: list[object] = []

if __name__ == "__main__":
    execute_from_command_line(["manage.py", "runserver", "--noreload", f"127.0.0.1:{sys.argv[1]}"])
