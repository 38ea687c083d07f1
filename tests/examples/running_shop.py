"""The example services as real processes: stock on gunicorn, the shop on uvicorn."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.processes import BIN, Service, door, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.processes import Endpoint

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "examples" / "shop"


@dataclass(frozen=True)
class RunningShop:
    """Both services, answering."""

    shop: Service
    stock: Service

    def order(self, **wish: object) -> tuple[int, Any]:
        """Place an order; return status and answer."""
        headers = {"content-type": "application/json", "user-agent": "tests/1.0"}
        status, body, _ = self.shop.request("POST", "/orders", json.dumps(wish), headers)
        return status, json.loads(body)


@contextlib.contextmanager
def running_shop(
    data: Path,
    redis_url: str,
    *,
    env: Mapping[str, str] | None = None,
    through: str = "",
    collector: Endpoint | None = None,
) -> Iterator[RunningShop]:
    """Run both services, with a database in the folder `data` and cache keys of their own.

    `through` names the door of telemetry; none by default.
    """
    stock_port, shop_port = free_port(), free_port()
    settings = {
        "SHOP_DATABASE_URL": f"sqlite:///{data}/shop.db",
        "SHOP_REDIS_URL": redis_url,
        "SHOP_CACHE_NAMESPACE": uuid4().hex,
        "SHOP_STOCK_URL": f"http://127.0.0.1:{stock_port}",
        **(env or {}),
    }

    def service(name: str, port: int, *argv: str) -> Service:
        words, variables = door(through, argv) if through else (list(argv), {})
        variables = {**settings, **variables, **({"OTEL_SERVICE_NAME": name} if through else {})}
        return Service(words, port, env=variables, collector=collector, cwd=FOLDER)

    with (
        service("stock", stock_port, f"{BIN}/gunicorn", "--bind", f"127.0.0.1:{stock_port}", "stock.app:app") as stock,
        service("shop", shop_port, f"{BIN}/uvicorn", "shop.main:app", "--port", str(shop_port)) as shop,
    ):
        yield RunningShop(shop, stock)
