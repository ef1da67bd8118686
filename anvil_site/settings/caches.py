"""The console's cache: in each worker, or one Redis for all (then sign-in throttling counts over all workers)."""

from __future__ import annotations

import os
from typing import Any

from anvil_site.options import option_text


def _cache() -> dict[str, Any]:
    timeout_seconds = float(option_text("CACHE_TTL", os.environ))
    if option_text("CACHE_BACKEND", os.environ) != "redis":
        return {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "TIMEOUT": timeout_seconds,
            "OPTIONS": {"MAX_ENTRIES": 10_000},
        }
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": option_text("REDIS_URL", os.environ),
        "TIMEOUT": timeout_seconds,
        "KEY_PREFIX": "anvil",
        "OPTIONS": {"max_connections": int(option_text("REDIS_POOL_SIZE", os.environ))},
    }


try:
    CACHES = {"default": _cache()}
except ValueError:  # system check E006 says what is wrong
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
