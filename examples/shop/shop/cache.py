"""A cache in Redis that the shop can do without."""

import logging

import redis

logger = logging.getLogger(__name__)

_SECONDS = 60


class Cache:
    """Texts by key, kept for a minute; empty for ever where Redis is not reachable."""

    def __init__(self, url: str, namespace: str) -> None:
        """Connect to the Redis at `url`; `namespace` begins every key."""
        self._namespace = namespace
        self._client: redis.Redis | None = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
        try:
            self._client.ping()
        except redis.RedisError as error:
            logger.warning("no cache: %s", error)
            self._client = None

    def get(self, key: str) -> bytes | str | None:
        """Return what is kept under a key, or None."""
        if self._client is None:
            return None
        try:
            return self._client.get(f"{self._namespace}:{key}")
        except redis.RedisError as error:
            logger.warning("cannot read the cache: %s", error)
            return None

    def put(self, key: str, text: str) -> None:
        """Keep a text under a key."""
        if self._client is None:
            return
        try:
            self._client.set(f"{self._namespace}:{key}", text, ex=_SECONDS)
        except redis.RedisError as error:
            logger.warning("cannot write the cache: %s", error)

    def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            self._client.close()
