"""The client of the stock service."""

import logging

import httpx

logger = logging.getLogger(__name__)


class Warehouse:
    """What the stock service knows."""

    def __init__(self, url: str) -> None:
        """Make ready to ask the stock service at `url`."""
        self._client = httpx.Client(base_url=url, timeout=2)

    def available(self, product: int) -> int | None:
        """Return how many pieces of a product there are, or None where nobody can say."""
        try:
            response = self._client.get(f"/stock/{product}")
            response.raise_for_status()
        except httpx.HTTPError as error:
            logger.warning("no answer about the stock of product %d: %s", product, error)
            return None
        return int(response.json()["available"])

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
