"""What is installed for a test: an index that cannot be reached skips it, what cannot be had from one that answers fails it."""

from __future__ import annotations

import http.server
import io
import shutil
import threading
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.environments import ANYTHING, install, make_venv
from tests.processes import BIN, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def wheel(name: str) -> bytes:
    """Return a wheel that holds nothing."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        archive.writestr(f"{name}-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{name}-1.dist-info/RECORD", "")
    return packed.getvalue()


class Index(http.server.ThreadingHTTPServer):
    """A package index with two packages, whose second one is there only after it was asked for `late` times."""

    late = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/simple/"


class _Answers(http.server.BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        name = self.path.strip("/").split("/")[-1]
        if name.endswith(".whl"):
            return self.answer(200, wheel(name.partition("-")[0]), "application/octet-stream")
        self.server.asked.append(name)
        if name == ANYTHING or (name == "wanted" and self.server.asked.count(name) > self.server.late):
            return self.answer(200, f"<a href='/files/{name}-1-py3-none-any.whl'>{name}-1-py3-none-any.whl</a>".encode())
        return self.answer(404, b"")

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def answer(self, status: int, body: bytes, kind: str = "text/html") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Print nothing."""


@pytest.fixture(scope="module")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_venv(tmp_path_factory.mktemp("environments") / "venv")


@pytest.fixture
def index() -> Iterator[Index]:
    with Index() as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture(params=["pip", "uv"])
def tool(request: pytest.FixtureRequest, binaries: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the words that install by each tool, without this machine's settings of indexes."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    settings = {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_RETRIES": "1",
        "UV_NO_CONFIG": "1",
        "UV_HTTP_RETRIES": "0",
        "UV_NO_CACHE": "1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    if request.param == "pip":
        return [binaries / "python", "-m", "pip", "install", "--force-reinstall"]
    uv = shutil.which("uv", path=str(BIN))
    if uv is None:
        pytest.skip("uv is not installed")
    return [uv, "pip", "install", "--reinstall", "--python", binaries / "python"]


def use(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
        monkeypatch.setenv(name, url)


def test_an_index_that_cannot_be_reached_skips_the_test(tool: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    use(f"http://127.0.0.1:{free_port()}/simple/", monkeypatch)
    with pytest.raises(pytest.skip.Exception, match="the package index cannot be reached"):
        install(tool, "wanted")


def test_an_index_that_cannot_be_reached_is_not_hidden_by_another_one(
    binaries: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(f"http://127.0.0.1:{free_port()}/simple/", monkeypatch)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", index.url)
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(pytest.skip.Exception, match="the package index cannot be reached"):
        install([binaries / "python", "-m", "pip", "install"], "missing")


def test_what_an_index_that_answers_does_not_have_is_a_failure(
    tool: list[object], index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(index.url, monkeypatch)
    with pytest.raises(AssertionError, match="missing"):
        install(tool, "missing")
    assert index.asked.count("missing") == 2


def test_what_comes_late_is_installed(tool: list[object], index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    use(index.url, monkeypatch)
    index.late = 1
    install(tool, "wanted")
    assert index.asked == ["wanted", ANYTHING, "wanted"]
