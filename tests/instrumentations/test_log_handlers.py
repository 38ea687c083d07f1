"""Handlers and servers as they are in use: what they print or send is masked, and a record stays as it is."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN, door, run

if TYPE_CHECKING:
    from pathlib import Path

EMAIL, CARD, PASSWORD = "bob@example.com", "4539 1488 0343 6467", "hunter2X9"
SECRETS = (EMAIL, "bob%40example.com", CARD, CARD.replace(" ", ""), PASSWORD)
NOWHERE = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}


def ran(tmp_path: Path, program: str, env: dict[str, str] | None = None) -> str:
    file = tmp_path / "program.py"
    file.write_text(f"EMAIL, CARD, PASSWORD = {EMAIL!r}, {CARD!r}, {PASSWORD!r}\n{textwrap.dedent(program)}")
    argv, environment = door("command", [sys.executable, file])
    done = run(argv, env={**environment, **NOWHERE, **(env or {})}, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


HANDLERS = """
    import http.server, json, logging, logging.handlers, pickle, socket, sys, threading

    seen = []
    class Kept(logging.Handler):
        def emit(self, record):
            seen.append(dict(record.__dict__))

    class Server(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.got.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()
        def log_message(self, *args): pass

    web = http.server.HTTPServer(("127.0.0.1", 0), Server)
    web.got = []
    threading.Thread(target=web.serve_forever, daemon=True).start()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    datagrams.settimeout(10)
    port = datagrams.getsockname()[1]

    class Mapping(logging.Formatter):
        def format(self, record):
            return {"message": record.getMessage(), "password": PASSWORD, "deep": [{"mail": EMAIL}], "count": 3}

    class Bytes(logging.Formatter):
        def format(self, record):
            return record.getMessage().encode()

    class Text(str): pass
    class Sub(logging.Formatter):
        def format(self, record):
            return Text(record.getMessage())

    class Printing(logging.Handler):
        def emit(self, record):
            print(self.format(record))

    rotating = logging.handlers.RotatingFileHandler("app.log", maxBytes=200, backupCount=2)
    handlers = [
        Kept(), rotating, logging.handlers.HTTPHandler(f"127.0.0.1:{web.server_port}", "/", method="POST"),
        logging.handlers.DatagramHandler("127.0.0.1", port), logging.handlers.SysLogHandler(("127.0.0.1", port)),
    ]
    for formatter in (Mapping(), Bytes(), Sub()):
        handlers.append(Printing())
        handlers[-1].setFormatter(formatter)
    log = logging.getLogger("shop")
    log.setLevel("DEBUG")
    log.propagate = False
    for handler in (*handlers, Kept()):
        log.addHandler(handler)
    try:
        raise ValueError(f"no card {CARD}")
    except ValueError:
        log.exception("paid by %s", EMAIL, extra={"token": PASSWORD})
    assert len(seen) == 2
    for record in seen:
        assert (record["msg"], record["args"], record["token"]) == ("paid by %s", (EMAIL,), PASSWORD)
        assert isinstance(record["exc_info"][1], ValueError)
    pickled = pickle.loads(datagrams.recv(65536)[4:])
    print("pickled", json.dumps(pickled, default=str))
    assert pickled["msg"] == "paid by [email]" and pickled["levelno"] == 40 and pickled["name"] == "shop"
    print("syslog", datagrams.recv(65536))
    print("http", web.got)
    for handler in handlers:
        handler.close()
    print(open("app.log").read())
"""


def test_what_handlers_send_is_masked_and_records_stay_as_they_are(tmp_path: Path) -> None:
    printed = ran(tmp_path, HANDLERS)
    for secret in (*SECRETS, "4539+1488"):
        assert secret not in printed
    assert "{'message': 'paid by [email]', 'password': '[secret]', 'deep': [{'mail': '[email]'}], 'count': 3}" in printed
    assert "b'paid by [email]'" in printed
    assert "\npaid by [email]\n" in printed
    assert "ValueError: no card [card]" in printed
    assert "paid+by+%5Bemail%5D" in printed


def test_with_the_setting_off_they_send_what_they_always_did(tmp_path: Path) -> None:
    program = HANDLERS.replace('"paid by [email]" and', "f'paid by {EMAIL}' and")
    assert f"'password': '{PASSWORD}'" in ran(tmp_path, program, {"PLATFORM_LOG_MASK": "false"})


FAILING = """
    import json, logging, logging.handlers, pickle, socket, sys
    from platform_instrument.core.guard import faults
    from platform_instrument.privacy import pii
    def failing(line): raise RuntimeError("no masking today")
    pii.look = failing
    seen = []
    class Kept(logging.Handler):
        def emit(self, record):
            seen.append((record.msg, record.args, record.exc_info))
    class Made(logging.Formatter):
        def __init__(self, make): self.make = make
        def format(self, record): return self.make(record.getMessage())
    class Printing(logging.Handler):
        def emit(self, record): print(self.format(record))
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    datagrams.settimeout(10)
    log = logging.getLogger("shop")
    log.propagate = False
    makers = [str, lambda text: json.dumps({"text": text}), str.encode, lambda text: {"text": text}, lambda text: [text]]
    handlers = [logging.handlers.DatagramHandler("127.0.0.1", datagrams.getsockname()[1])]
    for make in makers:
        handlers.append(Printing())
        handlers[-1].setFormatter(Made(make))
    for handler in (*handlers, Kept()):
        log.addHandler(handler)
"""


def test_a_line_that_cannot_be_masked_is_withheld_and_its_record_stays_as_it_is(tmp_path: Path) -> None:
    program = """
    try:
        raise ValueError(f"no card {CARD}")
    except ValueError:
        log.exception("paid by %s", EMAIL, extra={"token": PASSWORD})
    assert seen[0][:2] == ("paid by %s", (EMAIL,)) and seen[0][2] is not None
    pickled = pickle.loads(datagrams.recv(65536)[4:])
    print("pickled", {key: pickled[key] for key in ("msg", "args", "name", "levelname", "exc_text")}, "token" in pickled)
    logging.error("%d items of", EMAIL)
    [fault] = [fault for fault in faults() if "log lines" in fault.place]
    print("counted", fault.count)
    """
    printed = ran(tmp_path, FAILING + program)
    for secret in SECRETS:
        assert secret not in printed.replace("EMAIL", "")
    where = next(line for line in printed.splitlines() if line.startswith("ERROR shop program.py:"))
    assert where.endswith(" [withheld]")
    assert f"{where.encode()!r}\n" in printed
    assert '{"message": "[withheld]"}\n' in printed
    assert "{'message': '[withheld]'}\n" in printed
    assert "pickled {'msg': '[withheld]', 'args': None, 'name': 'shop', 'levelname': 'ERROR', 'exc_text': None} False" in printed
    assert "Message: '[withheld]'\nArguments: None" in printed
    assert "counted 7\n" in printed


def test_masking_that_fails_again_and_again_is_not_undone(tmp_path: Path) -> None:
    program = """
    for number in range(300):
        log.error("paid by %s", EMAIL)
    assert len(seen) == 300
    """
    printed = ran(tmp_path, FAILING + program)
    assert EMAIL not in printed
    assert printed.count("{'message': '[withheld]'}") == 600
    assert printed.count("contained a fault") == 1


def test_what_a_handler_renders_by_a_format_of_its_own_is_masked(tmp_path: Path) -> None:
    printed = ran(
        tmp_path,
        """
        import logging, sys
        class Own(logging.StreamHandler):
            def format(self, record):
                return f"own: {record.getMessage()}"
        class Below(Own):
            pass
        class Again(Own):
            def format(self, record):
                return f"again: {super().format(record)}"
        log = logging.getLogger("shop")
        log.propagate = False
        for kind in (Own, Below, Again, Again):
            log.addHandler(kind(sys.stdout))
        log.warning("paid by %s", EMAIL)
        """,
    )
    assert printed == "own: paid by [email]\n" * 2 + "again: own: paid by [email]\n" * 2


def test_rich_prints_a_masked_line(tmp_path: Path) -> None:
    printed = ran(
        tmp_path,
        """
        import logging
        from rich.logging import RichHandler
        logging.basicConfig(format="%(message)s", handlers=[RichHandler(show_time=False, show_path=False)])
        logging.warning("paid by %s", EMAIL)
        """,
    )
    assert "paid by [email]" in printed or "paid by" in printed
    assert EMAIL not in printed


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


APPLICATIONS = {
    "uvicorn": """
        import logging
        async def app(scope, receive, send):
            if scope["type"] != "http":
                return
            if scope["path"] == "/broken":
                raise ValueError(f"no card {CARD} of {EMAIL}")
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"ok"})
    """,
    "gunicorn": """
        def app(environ, start_response):
            if environ["PATH_INFO"] == "/broken":
                raise ValueError(f"no card {CARD} of {EMAIL}")
            start_response("200 OK", [])
            return [b"ok"]
    """,
    "flask": """
        from flask import Flask
        app = Flask("shop")
        @app.route("/broken")
        def broken():
            raise ValueError(f"no card {CARD} of {EMAIL}")
        @app.route("/")
        def root():
            app.logger.warning("paid by %s", EMAIL)
            return "ok"
    """,
    "django": """
        from django.conf import settings
        settings.configure(DEBUG=True, SECRET_KEY="k", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__)
        import django
        from django.http import HttpResponse
        from django.urls import path
        def broken(request):
            raise ValueError(f"no card {CARD} of {EMAIL}")
        urlpatterns = [path("broken", broken), path("", lambda request: HttpResponse("ok"))]
        from django.core.wsgi import get_wsgi_application
        app = get_wsgi_application()
    """,
}
COMMANDS = {
    "uvicorn": ("uvicorn", "service:app", "--port", "{port}"),
    "gunicorn": ("gunicorn", "service:app", "--bind", "127.0.0.1:{port}", "--access-logfile", "-"),
    "flask": ("flask", "--app", "service", "run", "--port", "{port}"),
    "django": ("gunicorn", "service:app", "--bind", "127.0.0.1:{port}", "--access-logfile", "-"),
}


@pytest.mark.parametrize("server", APPLICATIONS)
def test_the_logs_of_a_server_tell_no_value(tmp_path: Path, server: str) -> None:
    header = f"EMAIL, CARD, PASSWORD = {EMAIL!r}, {CARD!r}, {PASSWORD!r}\n"
    (tmp_path / "service.py").write_text(header + textwrap.dedent(APPLICATIONS[server]))
    port = free_port()
    name, *arguments = COMMANDS[server]
    argv, environment = door("command", [BIN / name, *(argument.format(port=port) for argument in arguments)])
    log = tmp_path / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(argv, stdout=output, stderr=output, cwd=tmp_path, env={**environment, **NOWHERE}) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            for attempt in range(100):
                try:
                    urllib.request.urlopen(f"{url}/?mail=bob%40example.com&password={PASSWORD}", timeout=10).read()  # noqa: S310 - ours
                    break
                except OSError:
                    assert attempt < 99, log.read_text()
                    time.sleep(0.1)
            with pytest.raises(OSError, match="500"):
                urllib.request.urlopen(f"{url}/broken?card={CARD.replace(' ', '')}", timeout=10)  # noqa: S310 - ours
            time.sleep(0.3)
        finally:
            process.terminate()
    printed = log.read_text()
    assert "ValueError: no card [card] of [email]" in printed
    for secret in SECRETS:
        assert secret not in printed
