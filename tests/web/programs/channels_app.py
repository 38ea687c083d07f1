"""Django Channels: HTTP by a consumer and by Django, websockets by nested routers."""

from typing import Any

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from opentelemetry import trace

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="made up for a test", DEBUG=False, LOGGING_CONFIG=None)
django.setup()

from channels.generic.http import AsyncHttpConsumer  # noqa: E402 - after Django is set up
from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402 - after Django is set up
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - after Django is set up


def item(_request: HttpRequest, item: int) -> HttpResponse:
    return HttpResponse(str(item))


urlpatterns = [path("items/<int:item>/", item)]


class Answering(AsyncHttpConsumer):
    async def handle(self, _body: bytes) -> None:
        await self.send_response(200, str(self.scope["url_route"]["kwargs"]).encode())


class Failing(AsyncHttpConsumer):
    async def handle(self, _body: bytes) -> None:
        message = "nobody handles this"
        raise ValueError(message)


class Room(AsyncWebsocketConsumer):
    async def receive(self, text_data: Any = None, **_data: Any) -> None:
        with trace.get_tracer("shop").start_as_current_span("own work"):
            await self.send(f"{self.scope['url_route']['kwargs']['room']} {text_data}")
        await self.close()


app = ProtocolTypeRouter({
    "http": URLRouter([
        path("polls/<int:poll>/", Answering.as_asgi()),
        path("fails/", Failing.as_asgi()),
        re_path("", get_asgi_application()),
    ]),
    "websocket": URLRouter([path("chat/", URLRouter([re_path(r"^rooms/(?P<room>\w+)/$", Room.as_asgi())]))]),
})  # fmt: skip
