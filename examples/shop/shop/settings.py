"""What the shop is told by its environment."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Where the shop finds what it depends on."""

    database_url: str
    redis_url: str
    cache_namespace: str
    stock_url: str


def read_settings() -> Settings:
    """Read the settings from the environment."""
    return Settings(
        database_url=os.environ.get("SHOP_DATABASE_URL", "sqlite:///shop.db"),
        redis_url=os.environ.get("SHOP_REDIS_URL", "redis://localhost:6379/0"),
        cache_namespace=os.environ.get("SHOP_CACHE_NAMESPACE", "shop"),
        stock_url=os.environ.get("SHOP_STOCK_URL", "http://localhost:8001"),
    )
