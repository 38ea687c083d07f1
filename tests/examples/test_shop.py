"""The example services do their work as they are, without telemetry."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.examples.running_shop import FOLDER, RunningShop, running_shop
from tests.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[RunningShop]:
    """Return both services without telemetry, on SQLite."""
    with running_shop(tmp_path_factory.mktemp("shop"), redis_url) as services:
        yield services


def test_products_are_listed(bare: RunningShop) -> None:
    status, body, _ = bare.shop.get("/products")
    assert status == 200
    assert {"id": 1, "name": "Teapot", "price": 2400} in json.loads(body)


def test_a_product_says_what_is_available(bare: RunningShop) -> None:
    first, again = bare.shop.get("/products/3"), bare.shop.get("/products/3")
    assert first[0] == again[0] == 200
    assert json.loads(first[1]) == json.loads(again[1]) == {"id": 3, "name": "Tray", "price": 1800, "available": 7}


def test_an_unknown_product_is_not_found(bare: RunningShop) -> None:
    assert bare.shop.get("/products/99")[0] == 404


def test_an_order_is_stored(bare: RunningShop) -> None:
    status, answer = bare.order(product_id=1, quantity=2, email="ada@example.org")
    assert (status, answer["total"]) == (201, 4800)
    bare.shop.wait_for_output("placed by ada@example.org")


def test_an_order_beyond_the_stock_is_refused(bare: RunningShop) -> None:
    assert bare.order(product_id=4, quantity=1, email="ada@example.org")[0] == 409


def test_an_invoice_fails_with_the_stack_in_the_log(bare: RunningShop) -> None:
    number = bare.order(product_id=2, quantity=1, email="ada@example.org")[1]["id"]
    assert bare.shop.get(f"/orders/{number}/invoice")[0] == 500
    bare.shop.wait_for_output("NotImplementedError: invoices are not written yet")


def test_health_answers(bare: RunningShop) -> None:
    assert bare.shop.get("/health")[0] == bare.stock.get("/health")[0] == 200


def test_the_shop_works_on_postgres(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    url = postgres_url.replace("postgresql:", "postgresql+psycopg:")
    with running_shop(tmp_path, redis_url, env={"SHOP_DATABASE_URL": url}) as services:
        assert services.order(product_id=1, quantity=1, email="ada@example.org")[0] == 201


def test_the_shop_works_without_redis_and_stock(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with running_shop(tmp_path, f"redis://127.0.0.1:{free_port()}/0", env={"SHOP_STOCK_URL": nobody}) as services:
        status, body, _ = services.shop.get("/products/1")
        assert (status, json.loads(body)["available"]) == (200, None)
        assert "no cache" in services.shop.stderr


def test_no_line_of_the_services_is_about_telemetry() -> None:
    sources = [*FOLDER.rglob("*.py"), FOLDER / "requirements.txt"]
    assert len(sources) > 5
    for source in sources:
        assert not re.search(r"telemetry|platform_|instrument|trac(e|ing)\b|\bspan|metric", source.read_text(), re.IGNORECASE)
