"""What a server serves that is sent hostile requests: ASGI and WSGI, and the same answers."""

import json

closed = []


def told(method, path, headers):
    return json.dumps([method, path, sorted(each for each in headers if each.startswith("x-"))]).encode(
        "ascii", "backslashreplace"
    )


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    names = [name.decode("latin-1") for name, _ in scope["headers"]]
    answer = told(scope["method"], scope["path"], names) + str(body).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(answer)).encode())]})
    await send({"type": "http.response.body", "body": answer})


class Streamed:
    """A body that counts how often it is closed."""

    def __init__(self, parts):
        self.parts = iter(parts)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.parts)

    def close(self):
        closed.append(1)


def wsgi(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/closed":
        answer = str(len(closed)).encode()
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]
    if path.startswith("/stream"):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Streamed(b"part" * 4096 for _ in range(5 if path == "/stream" else 500))
    body = len(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    names = [name[5:].lower().replace("_", "-") for name in environ if name.startswith("HTTP_")]
    answer = told(environ["REQUEST_METHOD"], path, names) + str(body).encode()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
