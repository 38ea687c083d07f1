"""Django's caches: lookups of each by its alias, whatever its backend; the span is that of the client below it.

Only with `PLATFORM_CACHE_METRICS`. Counted are the caches that `django.core.cache.caches` makes. A value that is the very
default it was asked with counts as a miss; what `get_or_set` has stored and reads once more is no lookup.
Source: django/core/cache/__init__.py, django/core/cache/backends (3.2 to 6.1)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import EditCall, EditResult, Instrumentation, Time
from platform_instrument.engine.caches import looked_up
from platform_instrument.semantics.caches import Cache, found, lookup

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Patch

_CACHE = "_platform_instrument_cache"
"""Where a cache remembers what it is called."""

_SOUGHT = "_platform_instrument_sought"
"""Where a cache remembers the keys of `get_or_set` that are under way, and whether they were looked up."""

_caches: dict[str, Any] = {}


def named(call: Call, cache: Any) -> None:  # noqa: ANN401 - a backend
    """Note the alias of a cache; each thread and each task has one of its own."""
    alias = str(call.argument(1, "alias"))
    known = _caches.get(alias)
    cache.__dict__[_CACHE] = known if known is not None else _caches.setdefault(alias, Cache("django", alias))


def got(_began: float, result: Any, args: Any, kwargs: Any) -> None:  # noqa: ANN401 - of `get(self, key, default, version)`
    """Count a lookup."""
    fields = args[0].__dict__
    where = fields.get(_CACHE)
    if where is None:
        return
    sought = fields.get(_SOUGHT)
    if sought:
        key = args[1] if len(args) > 1 else kwargs["key"]
        if sought.get(key):
            return
        if key in sought:
            sought[key] = True
    looked_up(where, lookup(result, args[2] if len(args) > 2 else kwargs.get("default")))  # noqa: PLR2004 - behind the key


def got_many(_began: float, result: Any, args: Any, kwargs: Any) -> None:  # noqa: ANN401 - of `get_many(self, keys, version)`
    """Count lookups; some backends get a single one so, too."""
    fields = args[0].__dict__
    where, keys = fields.get(_CACHE), args[1] if len(args) > 1 else kwargs["keys"]
    if where is None:
        return
    sought = fields.get(_SOUGHT)
    if sought and isinstance(keys, list) and len(keys) == 1 and keys[0] in sought:
        if sought[keys[0]]:
            return
        sought[keys[0]] = True
    looked_up(where, found(keys, result))


def seeking(call: Call) -> None:
    """Note that a key is looked up, and stored and read once more where it is not there."""
    call.instance.__dict__.setdefault(_SOUGHT, {}).setdefault(call.argument(1, "key"), False)


def sought(_began: float, _outcome: object, args: Any, kwargs: Any) -> None:  # noqa: ANN401 - as it is called
    """Forget that."""
    args[0].__dict__.get(_SOUGHT, {}).pop(args[1] if len(args) > 1 else kwargs["key"], None)


_BACKENDS = "django.core.cache.backends"
_BASE = f"{_BACKENDS}.base:BaseCache"
_SINGLE = ("locmem:LocMemCache", "filebased:FileBasedCache", "memcached:BaseMemcachedCache", "redis:RedisCache")
_SEVERAL = ("db:DatabaseCache", "memcached:BaseMemcachedCache", "redis:RedisCache")


def _seeking(name: str) -> tuple[Patch, ...]:
    target = f"{_BASE}.{name}"
    return EditCall(target, seeking, optional=True), Time(target, sought, sought, optional=True)


INSTRUMENTATION = Instrumentation(
    name="django_cache",
    requires="django>=3.2,<6.2",
    patches=(
        EditResult("django.core.cache:CacheHandler.create_connection", named),
        *[Time(f"{_BACKENDS}.{backend}.get", got, optional=True) for backend in _SINGLE],
        *[Time(f"{_BACKENDS}.{backend}.get_many", got_many, optional=True) for backend in _SEVERAL],
        *_seeking("get_or_set"),
        *_seeking("aget_or_set"),
    ),
    modules=("django",),
    settings=("cache_metrics",),
)
