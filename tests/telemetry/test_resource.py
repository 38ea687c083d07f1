"""Who sends: what the resource says of a real process."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from uuid import UUID

import pytest

from platform_instrument import __version__
from platform_instrument.config.read import read
from platform_instrument.telemetry.program import UNKNOWN, program_name
from platform_instrument.telemetry.resource import _CGROUP, _MOUNT, container_id, resource_attributes
from tests.processes import run

SHOW = """
import json, os
from platform_instrument.config.read import read
from platform_instrument.telemetry.resource import resource_attributes
print(json.dumps(resource_attributes(read(os.environ)[0])))
"""


def test_a_resource_says_all_of_the_process(tmp_path: Path) -> None:
    script = tmp_path / "order_import.py"
    script.write_text(SHOW)
    ended = run(
        [sys.executable, script, "--password", "hunter2"], env={"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=a%20b"}
    )
    found = json.loads(ended.stdout)
    assert "hunter2" not in ended.stdout
    assert UUID(found.pop("service.instance.id")).version == 4
    assert found.pop("process.pid") != found.pop("process.parent_pid") == os.getpid()
    found.pop("container.id", None)
    system = os.uname()
    assert found == {
        "service.name": "order_import",
        "deployment.environment.name": "a b",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "platform_instrument",
        "telemetry.sdk.version": __version__,
        "telemetry.distro.name": "platform-instrument",
        "telemetry.distro.version": __version__,
        "process.runtime.name": "cpython",
        "process.runtime.version": ".".join(map(str, sys.version_info[:3])),
        "process.runtime.description": sys.version.replace("\n", " "),
        "process.executable.path": sys.executable,
        "process.executable.name": Path(sys.executable).name,
        "process.command": sys.executable,
        "host.name": system.nodename,
        "host.arch": {"x86_64": "amd64", "aarch64": "arm64"}.get(system.machine, system.machine),
        "os.type": "linux",
        "os.version": system.release,
    }


def test_the_service_name_stands_over_the_resource_attributes_and_both_over_the_program() -> None:
    attributes = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=from%20attributes,service.version=2"}
    assert resource_attributes(read(attributes)[0])["service.name"] == "from attributes"
    both = resource_attributes(read({**attributes, "OTEL_SERVICE_NAME": "from name"})[0])
    assert (both["service.name"], both["service.version"]) == ("from name", "2")


def test_a_process_has_one_instance_id_and_no_other_process_has_it() -> None:
    settings, _ = read({})
    assert len({resource_attributes(settings)["service.instance.id"] for _ in range(10)}) == 1
    ids = {json.loads(run([sys.executable, "-c", SHOW]).stdout)["service.instance.id"] for _ in range(3)}
    assert len(ids - {resource_attributes(settings)["service.instance.id"]}) == 3


def test_a_resource_is_bounded() -> None:
    pairs = ",".join(f"key{number}={'x' * 5_000}" for number in range(300))
    found = resource_attributes(read({"OTEL_RESOURCE_ATTRIBUTES": f"{pairs},service.name=shop"})[0])
    assert len(found) <= 128
    assert max(len(str(value)) for value in found.values()) <= 4_096
    assert found["service.name"] == "shop"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("app.py", "app"),
        ("/srv/shop/worker.py --queue x:y", "worker"),
        ("/usr/local/bin/shop-import", "shop-import"),
        ("/srv/shop/manage.py runserver 0.0.0.0:8000", "shop"),
        ("/srv/shop/__main__.py", "shop"),
        ("/srv/dist/shop.pyz", "shop"),
        ("/venv/bin/uvicorn shop.main:app --port 80", "shop"),
        ("/venv/bin/uvicorn --host 127.0.0.1 --port 80 main:app", "main"),
        ("/venv/bin/uvicorn shop.main:create_app() --factory", "shop"),
        ("/venv/bin/gunicorn -b localhost:8000 -w 2 shop.wsgi:application", "shop"),
        ("/venv/bin/gunicorn -b 127.0.0.1:8000 shop.wsgi", "shop"),
        ("/venv/bin/gunicorn -c gunicorn.conf.py", "gunicorn"),
        ("/venv/bin/gunicorn shop:create_app('x')", "shop"),
        ("/venv/bin/hypercorn shop.main:app", "shop"),
        ("/venv/bin/granian --interface asgi shop.main:app", "shop"),
        ("/venv/bin/flask --app shop run", "shop"),
        ("/venv/bin/flask --app=shop.web:create run", "shop"),
        ("/venv/bin/flask run", "flask"),
        ("/venv/bin/celery -A shop.tasks worker", "shop"),
        ("/venv/bin/celery --app=shop worker", "shop"),
        ("/venv/bin/fastapi run src/shop.py", "shop"),
        ("-c", UNKNOWN),
        ("-", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_a_program_is_called(command: str, name: str) -> None:
    assert program_name(command.split() or [""], ModuleType("__main__")) == name


@pytest.mark.parametrize(
    ("spec", "command", "name"),
    [
        ("shop.__main__", "/srv/shop/__main__.py", "shop"),
        ("shop.worker", "/srv/shop/worker.py", "shop"),
        ("uvicorn.__main__", "/lib/uvicorn/__main__.py shop.main:app", "shop"),
        ("flask.__main__", "/lib/flask/__main__.py --app shop run", "shop"),
        ("__main__", "/srv/dist/shop.pyz", "shop"),
    ],
)
def test_a_module_that_is_run_is_called_by_its_package(spec: str, command: str, name: str) -> None:
    main = SimpleNamespace(__spec__=SimpleNamespace(name=spec))
    assert program_name(command.split(), main) == name


def test_a_process_without_arguments_has_a_name() -> None:
    assert program_name([], None) == UNKNOWN


ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"12:pids:/docker/{ID}", ID),
        (f"1:name=systemd:/kubepods/burstable/pod5f/{ID}", ID),
        (f"0::/system.slice/docker-{ID}.scope", ID),
        (f"0::/kubepods.slice/cri-containerd-{ID}.scope", ID),
        ("9:perf_event:/ecs/task/0123456789abcdef0123456789abcdef-1234567890", "0123456789abcdef0123456789abcdef-1234567890"),
        ("0::/", ""),
        ("0::/user.slice/user-1000.slice/session-2.scope", ""),
        (f"0::/docker/{ID}0", ""),
    ],
)
def test_a_container_is_known_by_its_control_group(line: str, found: str) -> None:
    assert container_id(f"13:other:/\n{line}\n", _CGROUP) == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"678 655 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw", ID),
        (f"7 6 0:50 /containers/overlay-containers/{ID}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw", ID),
        (f"7 6 8:1 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{ID}/hostname /etc/hostname rw - ext4 x rw", ""),
        ("22 1 8:1 / / rw - ext4 /dev/sda1 rw", ""),
    ],
)
def test_a_container_is_known_by_its_mounts(line: str, found: str) -> None:
    assert container_id(f"{line}\n", _MOUNT) == found
