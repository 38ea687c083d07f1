"""Programs in unusual surroundings: each runs once plain and once instrumented, and nobody could tell which was which."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.environments import make_venv, site_packages
from tests.processes import BIN, SITE, Completed, door, run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.testing.collector import Collector

COMMAND = BIN / "platform-instrument"
NOWHERE = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files into a folder and return the one that is to be run."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder / "program.py"


def same(words: list[object], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Completed:
    """Return what the program does; see that it does the same instrumented."""
    argv = [str(word) for word in words]
    plain = run(argv, env=env, cwd=cwd)
    assert run([COMMAND, *argv], env={**NOWHERE, **(env or {})}, cwd=cwd) == plain
    return plain


# --- libraries that are not whole -------------------------------------------------------------------------------------

USE = "try:\n    import redis\n    print('imported', redis.__name__)\nexcept BaseException as error:\n    print(type(error).__name__, error)\n"
BROKEN = {
    "a submodule is missing": {"redis/__init__.py": "from redis.client import Redis"},
    "a submodule raises": {"redis/__init__.py": "from redis.client import Redis", "redis/client.py": "raise OSError('broken')"},
    "the package raises": {"redis/__init__.py": "raise RuntimeError('broken')"},
    "the package exits": {"redis/__init__.py": "raise SystemExit('broken')"},
    "the source is no Python": {"redis/__init__.py": "this is no Python"},
    "the package replaces itself": {"redis/__init__.py": "import sys, types\nsys.modules['redis'] = types.SimpleNamespace(__name__='odd')"},
    "the package takes itself away": {"redis/__init__.py": "import sys\ndel sys.modules['redis']"},
    "the package is an empty folder": {"redis/README": ""},
}  # fmt: skip


@pytest.mark.parametrize("how", BROKEN)
def test_a_library_that_is_half_there_fails_or_works_as_without_us(how: str, tmp_path: Path) -> None:
    file = write(tmp_path, {"program.py": USE * 2, **BROKEN[how]})
    done = same([sys.executable, file])
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2)


def test_a_library_of_the_same_name_that_is_another_is_said_once_and_works(tmp_path: Path) -> None:
    file = write(tmp_path, {"program.py": USE, "redis/__init__.py": "", "redis/client.py": "", "redis/asyncio/client.py": ""})
    file.write_text(USE + "import redis.client, redis.asyncio.client\n")
    done = run([COMMAND, sys.executable, file], env=NOWHERE)
    assert (done.returncode, done.stdout) == (0, "imported redis\n")
    assert done.stderr.startswith("platform-instrument: redis is not instrumented: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_library_whose_metadata_is_missing_is_instrumented(tmp_path: Path) -> None:
    import redis

    shutil.copytree(Path(redis.__file__).parent, tmp_path / "redis", ignore=shutil.ignore_patterns("__pycache__"))
    text = "import sys, redis\nfrom redis.client import Redis\nprint(redis.__file__.startswith(sys.argv[1]))\n"
    told = "from platform_instrument.engine.apply import APPLIED\nprint(APPLIED['redis'].status)\n"
    file = write(tmp_path, {"program.py": text + told})
    done = run([COMMAND, sys.executable, file, tmp_path], env=NOWHERE)
    assert done == Completed(0, "True\npatched\n", "")


# --- others who look at imports ---------------------------------------------------------------------------------------

FINDERS = """
import importlib.abc, importlib.util, sys

class Mine(importlib.abc.MetaPathFinder):
    seen = []
    def find_spec(self, name, path=None, target=None):
        self.seen.append(name)
        if name == "made_up":
            return importlib.util.spec_from_loader(name, Source())
        if name == "sqlite3" and "refuse" in sys.argv:
            raise ModuleNotFoundError(f"{name} is not allowed here", name=name)

class Source(importlib.abc.Loader):
    def create_module(self, spec): return None
    def exec_module(self, module): module.answer = 42

class Old:  # as finders were until Python 3.3, asked until 3.11
    def find_module(self, name, path=None): return None

sys.meta_path.insert(0, Mine())
sys.meta_path.append(Old())
import made_up
print(made_up.answer, type(made_up.__loader__).__name__, made_up.__spec__.loader is made_up.__loader__)
try:
    import sqlite3
    print(sqlite3.connect(":memory:").execute("SELECT 1").fetchall(), type(sqlite3.__loader__).__name__)
except ModuleNotFoundError as error:
    print(error)
for name in ("made_up", "sqlite3"):
    print(name, Mine.seen.count(name))
print(repr(importlib.util.find_spec("logging").loader).partition(" at ")[0])
"""


@pytest.mark.parametrize("words", [[], ["refuse"]])
def test_finders_of_the_application_find_what_they_find(words: list[str], tmp_path: Path) -> None:
    file = write(tmp_path, {"program.py": FINDERS})
    assert same([sys.executable, file, *words]).stdout.startswith("42 Source True\n")


PRUNED = """
import sys
kept = set(sys.modules)
for turn in range(3):
    import logging, sqlite3
    logging.basicConfig(stream=sys.stdout, format=f"{turn} %(message)s", force=True)
    logging.getLogger("shop").warning(sqlite3.connect(":memory:").execute("SELECT 1").fetchall())
    for name in [name for name in sys.modules if name not in kept]:
        if name.partition(".")[0] in {"logging", "sqlite3", "_sqlite3"} or "everything" in sys.argv:
            del sys.modules[name]
print("done")
"""


def test_an_application_that_throws_modules_out_works_as_without_us(tmp_path: Path) -> None:
    """As test runners, notebooks and reloaders do."""
    file = write(tmp_path, {"program.py": PRUNED})
    assert same([sys.executable, file]).stdout.endswith("2 [(1,)]\ndone\n")


def test_an_application_that_throws_our_modules_out_too_is_unharmed(tmp_path: Path) -> None:
    words = [sys.executable, write(tmp_path, {"program.py": PRUNED}), "everything"]
    done = run([COMMAND, *words], env=NOWHERE)
    assert (done.returncode, done.stdout) == (0, run(words).stdout)
    assert "Traceback" not in done.stderr


RELOADED = """
import importlib, logging, sqlite3, sys
logging.basicConfig(stream=sys.stdout, format="%(name)s %(message)s", level="INFO")
def work():
    logging.getLogger("shop").info("paid %d", sqlite3.connect(":memory:").execute("SELECT 7").fetchone()[0])
work()
for module in (logging, sqlite3, sqlite3.dbapi2):
    importlib.reload(module)
    logging.basicConfig(stream=sys.stdout, format="again %(name)s %(message)s", level="INFO", force=True)
    work()
"""


def test_modules_that_are_reloaded_work_as_without_us_and_are_observed_again(tmp_path: Path, collector: Collector) -> None:
    file = write(tmp_path, {"program.py": RELOADED})
    assert same([sys.executable, file]).stdout.count("again shop paid 7") == 3
    assert run([COMMAND, sys.executable, file], collector=collector).stderr == ""
    assert len(collector.wait_for(4)) == 4


EARLY = "import logging, sqlite3, sqlalchemy, sys; logging.basicConfig(stream=sys.stdout, format='early %(message)s')"
AFTER = """
import logging, sqlalchemy
with sqlalchemy.create_engine("sqlite://").connect() as connection:
    logging.getLogger("shop").warning(connection.execute(sqlalchemy.text("SELECT 7")).scalar())
"""


@pytest.mark.parametrize("way", ["command", "pth", "pythonpath"])
def test_what_was_imported_before_us_is_observed_once(way: str, tmp_path: Path, collector: Collector) -> None:
    """A `.pth` of somebody else sorts before ours and imports what we know."""
    binaries = make_venv(tmp_path / "venv", Path(sys.executable), "--without-pip")
    (site_packages(binaries) / "a_first.pth").write_text(EARLY + "\n")
    here = f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n"
    (site_packages(binaries) / "_packages.pth").write_text(here)
    (site_packages(binaries) / "_packages.pth").replace(site_packages(binaries) / "A_packages.pth")
    words = [str(binaries / "python"), str(write(tmp_path, {"program.py": AFTER}))]
    plain = run(words)
    assert plain == Completed(0, "early 7\n", "")
    argv, env = door(way, words)
    done = run(argv, env=env, collector=collector)
    (span,) = collector.wait_for(1)
    assert (done.returncode, done.stdout, done.stderr) == (0, "early 7\n", "")
    assert span.attributes["db.system.name"] == "sqlite"


# --- the interpreter and its environment ------------------------------------------------------------------------------

SHOWN = """
import logging, sqlite3, sys
folders = [folder for folder in sys.path if not folder.endswith("platform_instrument_site")]
print("café", getattr(sys.flags, "safe_path", None), folders)
"""
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "safe path": {"PYTHONSAFEPATH": "1"},
    "no user site": {"PYTHONNOUSERSITE": "1"},
    "optimized": {"PYTHONOPTIMIZE": "2"},
    "warnings are errors": {"PYTHONWARNINGS": "error"},
    "development mode": {"PYTHONDEVMODE": "1"},
    "no bytecode": {"PYTHONDONTWRITEBYTECODE": "1"},
    "the C locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii:replace"},
    "Latin-1": {"PYTHONIOENCODING": "latin-1:replace"},
    "allocation traced": {"PYTHONTRACEMALLOC": "5"},
    "a fixed hash": {"PYTHONHASHSEED": "0"},
    "encoding warnings": {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "error::EncodingWarning"},
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_settings_of_the_interpreter_keep_their_meaning(name: str, tmp_path: Path) -> None:
    file = write(tmp_path, {"program.py": SHOWN})
    assert same([sys.executable, file], env=ENVIRONMENTS[name], cwd=tmp_path).returncode == 0


def test_an_environment_that_is_no_text_is_passed_on_byte_for_byte(tmp_path: Path) -> None:
    text = "import os\nprint(sorted((key, value) for key, value in os.environb.items() if key.startswith(b'X')))\n"
    file = write(tmp_path, {"program.py": text})
    odd = {os.fsdecode(b"X\xff"): os.fsdecode(b"\xfe\xff\n"), "X_EMPTY": "", "X_UNICODE": "é\N{SNOWMAN}"}
    for locale in ({}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        assert b"xff" in same([sys.executable, file], env={**odd, **locale}).stdout.encode()


def test_a_value_that_is_no_text_in_a_setting_of_ours_is_one_line(tmp_path: Path) -> None:
    file = write(tmp_path, {"program.py": "print('runs')"})
    for variable in ("OTEL_SERVICE_NAME", "PLATFORM_FLUSH_TIMEOUT", "OTEL_RESOURCE_ATTRIBUTES", "PLATFORM_CONFIG_FILE"):
        done = run([COMMAND, sys.executable, file], env={variable: os.fsdecode(b"a\xff=b")})
        assert (done.returncode, done.stdout) == (0, "runs\n")
        assert len(done.stderr.splitlines()) <= 1
        assert "fault" not in done.stderr


def test_a_standard_library_in_a_zip_file_starts_as_well(tmp_path: Path) -> None:
    """As embedded and frozen distributions of Python have it: no module there has a file of its own."""
    library = Path(sysconfig.get_paths()["stdlib"])
    archive = tmp_path / "stdlib.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for name in (
            "logging",
            "sqlite3",
            "json",
            "importlib",
            "email",
            "http",
            "urllib",
            "concurrent",
            "asyncio",
            "collections",
        ):
            for file in (library / name).rglob("*.py"):
                packed.write(file, file.relative_to(library))
        for file in library.glob("*.py"):
            packed.write(file, file.name)
    file = write(
        tmp_path, {"program.py": "import logging, sqlite3, sys\nprint('.zip' in logging.__file__, '.zip' in sqlite3.__file__)\n"}
    )
    done = same([sys.executable, file], env={"PYTHONPATH": str(archive)})
    assert done == Completed(0, "True True\n", "")


def test_without_site_a_program_that_imports_it_later_is_not_disturbed(tmp_path: Path) -> None:
    text = "import site, sys\nsite.main()\nimport logging, sqlite3\nprint(sqlite3.connect(':memory:').execute('SELECT 1').fetchall())\n"
    assert same([sys.executable, "-S", write(tmp_path, {"program.py": text})]).stdout == "[(1,)]\n"


@pytest.mark.parametrize(
    "call", ["execv(sys.executable, words)", "execve(sys.executable, words, os.environ)", "execvp(sys.executable, words)"]
)
def test_each_image_of_a_process_that_replaces_itself_is_whole(call: str, tmp_path: Path, collector: Collector) -> None:
    """As servers do that restart in place: what the first image recorded before it left is not promised, the last one's is."""
    text = f"""
import os, sqlite3, sys
turn = int(sys.argv[1])
sqlite3.connect(":memory:").execute(f"CREATE TABLE turn_{{turn}} (a)")
print(turn, os.getpid() == int(sys.argv[2]) if turn else True, flush=True)
if turn < 2:
    words = [sys.executable, __file__, str(turn + 1), str(os.getpid())]
    os.{call}
"""
    words = [sys.executable, str(write(tmp_path, {"program.py": text})), "0", "0"]
    plain = run(words)
    assert plain == Completed(0, "0 True\n1 True\n2 True\n", "")
    assert run([COMMAND, *words], collector=collector) == plain
    assert "turn_2" in collector.wait_for(1)[-1].name


# --- the first process of a container -----------------------------------------------------------------------------------

FIRST = """
import os, signal, sqlite3, sys, time
sqlite3.connect(":memory:").execute("SELECT 1")
def leave(number, frame):
    print("left by", number, flush=True)
    sys.exit(3)
if "handler" in sys.argv:
    signal.signal(signal.SIGTERM, leave)
print(os.getpid(), flush=True)
if os.fork() == 0:
    time.sleep(0.2)
    os.kill(os.getppid(), signal.SIGTERM)
    os._exit(0)
time.sleep(1.5)
print("went on", flush=True)
sys.exit(4)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a namespace of processes")
@pytest.mark.parametrize(("words", "expected"), [(["handler"], (3, "1\nleft by 15\n")), ([], (4, "1\nwent on\n"))])
def test_as_the_first_process_of_a_container_it_is_the_program(
    words: list[str], expected: tuple[int, str], tmp_path: Path, collector: Collector
) -> None:
    """The system delivers no signal to it that it has no handler for; the command is gone, so there is nobody to reap or forward."""
    unshare = ["unshare", "--fork", "--pid", "--kill-child"]
    if run([*unshare, "true"]).returncode:
        pytest.skip("this machine allows no namespace of processes")
    argv = [sys.executable, str(write(tmp_path, {"program.py": FIRST})), *words]
    plain = run([*unshare, *argv])
    done = run([*unshare, str(COMMAND), *argv], collector=collector)
    assert done == plain == Completed(*expected, "")
    assert len(collector.wait_for(1)) == 1


def test_the_folder_with_the_sitecustomize_may_stand_anywhere_on_the_path(tmp_path: Path) -> None:
    file = write(tmp_path, {"program.py": "import sys\nprint('platform_instrument._boot' in sys.modules)\n"})
    for path in (f"{SITE}:", f":{SITE}", f"/nowhere:{SITE}:/with a space", f"{SITE}/:{SITE}"):
        assert run([sys.executable, file], env={"PYTHONPATH": path}, cwd=tmp_path) == Completed(0, "True\n", "")


# --- greenlets in the place of threads ----------------------------------------------------------------------------------

GREENLETS = """
import sys
if "first" in sys.argv:
    from gevent import monkey
    monkey.patch_all()
import http.server, logging, sqlite3, ssl, threading, time
import gevent, requests
from gevent import monkey
from opentelemetry import trace

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.05)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
tracer = trace.get_tracer("shop")

def work(number):
    with tracer.start_as_current_span(f"job {number}"):
        session = requests.Session()
        session.trust_env = False
        answer = session.get(f"http://127.0.0.1:{server.server_port}/{number}").text
        sqlite3.connect(":memory:").execute("SELECT 1")
        logging.info("%s", answer)

gevent.joinall([gevent.spawn(work, number) for number in range(5)], raise_error=True)
server.shutdown()
print(monkey.is_module_patched("socket"))
"""


@pytest.mark.parametrize("words", [["-m", "gevent.monkey", "program.py"], ["program.py", "first"], ["program.py"]], ids=" ".join)
def test_greenlets_are_observed_each_by_itself(words: list[str], tmp_path: Path, collector: Collector) -> None:
    write(tmp_path, {"program.py": GREENLETS})
    argv = [sys.executable, *words]
    plain = run(argv, cwd=tmp_path)
    assert plain == Completed(0, f"{5 * 'ok~'}{words != ['program.py']}~".replace("~", "\n"), "")
    done = run([COMMAND, *argv], cwd=tmp_path, env={"PLATFORM_LOG_TRACE_ID": "false"}, collector=collector)
    assert done == plain
    spans = collector.wait_for(15)
    jobs = {span.span_id: span for span in spans if span.kind == "INTERNAL"}
    assert len(spans) == 15
    assert len({job.trace_id for job in jobs.values()}) == 5
    children = sorted((jobs[span.parent_id].name, span.name) for span in spans if span.kind == "CLIENT")
    assert children == sorted((f"job {number}", name) for number in range(5) for name in ("GET", "SELECT"))
