"""The shop's web application."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request

from shop.cache import Cache
from shop.database import Database, Order, Product
from shop.messages import AvailableProductAnswer, OrderAnswer, OrderRequest, ProductAnswer
from shop.settings import read_settings
from shop.warehouse import Warehouse

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
logger = logging.getLogger("shop")


class Shop:
    """Everything a request needs."""

    def __init__(self) -> None:
        """Connect to what the environment names."""
        settings = read_settings()
        self.database = Database(settings.database_url)
        self.database.prepare()
        self.cache = Cache(settings.redis_url, settings.cache_namespace)
        self.warehouse = Warehouse(settings.stock_url)

    def product(self, number: int) -> ProductAnswer:
        """Return a product, from the cache or else from the database."""
        key = f"product:{number}"
        cached = self.cache.get(key)
        if cached is not None:
            return ProductAnswer.model_validate_json(cached)
        product = self.database.product(number)
        if product is None:
            raise HTTPException(404, f"no product {number}")
        answer = ProductAnswer.model_validate(product)
        self.cache.put(key, answer.model_dump_json())
        return answer

    def close(self) -> None:
        """Close all connections."""
        self.warehouse.close()
        self.cache.close()
        self.database.close()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the shop, and close it."""
    app.state.shop = Shop()
    yield
    app.state.shop.close()


app = FastAPI(title="shop", lifespan=lifespan)


def current_shop(request: Request) -> Shop:
    """Return the shop of this application."""
    shop: Shop = request.app.state.shop
    return shop


OpenShop = Annotated[Shop, Depends(current_shop)]


@app.get("/health")
def health() -> dict[str, str]:
    """Say that the service is up."""
    return {"status": "ok"}


@app.get("/products", response_model=list[ProductAnswer])
def list_products(shop: OpenShop) -> Sequence[Product]:
    """Return all products."""
    return shop.database.products()


@app.get("/products/{number}")
def show_product(number: int, shop: OpenShop) -> AvailableProductAnswer:
    """Return one product and how many pieces there are."""
    product = shop.product(number)
    available = shop.warehouse.available(number)
    logger.info("product %d shown, %s available", number, available)
    return AvailableProductAnswer(**product.model_dump(), available=available)


@app.post("/orders", status_code=201)
def place_order(wish: OrderRequest, shop: OpenShop) -> OrderAnswer:
    """Store an order of what is in stock."""
    product = shop.product(wish.product_id)
    available = shop.warehouse.available(wish.product_id)
    if available is None or available < wish.quantity:
        raise HTTPException(409, f"{available or 0} pieces available")
    number = shop.database.add_order(Order(**wish.model_dump()))
    logger.info("order %d placed by %s", number, wish.email)
    return OrderAnswer(id=number, total=wish.quantity * product.price)


@app.get("/orders/{number}/invoice")
def show_invoice(number: int, shop: OpenShop) -> dict[str, str]:
    """Return the invoice of an order."""
    order = shop.database.order(number)
    if order is None:
        raise HTTPException(404, f"no order {number}")
    logger.error("order %d has no invoice", number)
    reason = "invoices are not written yet"
    raise NotImplementedError(reason)
