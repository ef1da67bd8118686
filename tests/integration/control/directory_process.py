"""A worker in small, for tests: a directory with its listener in a process of its own.

Reads access keys from standard input, one a line; answers each with a line of JSON. Says when it hears changes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

import django


async def answer(key_hex: str) -> None:
    from control.directory import DjangoDirectory
    from control.invalidation import InvalidationListener
    from control.services.bucket_phases import RegionalSide
    from dataplane.crypto.keys import KeyRing
    from tests.support.memory_regional_buckets import MemoryRegionalBuckets

    directory = DjangoDirectory(
        key_ring=KeyRing("k1", {"k1": bytes.fromhex(key_hex)}),
        regional=RegionalSide("us-east-1", MemoryRegionalBuckets()),
    )
    listener = InvalidationListener(os.environ["GLOBAL_DATABASE_URL"], directory)
    listening = asyncio.create_task(listener.run())
    await listener.listening()
    print("ready", flush=True)
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            access_key = line.strip()
            cached = directory.cached_credential(access_key) is not None
            credential = await directory.credential(access_key)
            grants = [str(grant.action) for grant in credential.principal.grants] if credential else None
            secret = credential.secret_key if credential else None
            print(json.dumps({"cached": cached, "grants": grants, "secret": secret}), flush=True)
    finally:
        listening.cancel()
        directory.close()


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "anvil_site.settings"
    django.setup()
    asyncio.run(answer(sys.argv[1]))
