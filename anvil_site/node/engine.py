"""The engine of one process, opened and closed in order: metadata, stores, coding, `ObjectStore` on top."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from anvil_site.database_access import urls_by_alias
from anvil_site.db_router import REGIONAL_ALIAS
from anvil_site.node.running_node import RunningNode
from anvil_site.options import Options
from dataplane.crypto.envelope import Envelope
from dataplane.crypto.keys import KeyRing
from dataplane.metadata.store import MetadataStore
from dataplane.objects.settings import ObjectSettings
from dataplane.objects.store import ObjectStore
from dataplane.shards.files import StoreDirectory
from dataplane.shards.placing import WriteSettings
from dataplane.shards.reader import ShardReader
from dataplane.shards.writer import ShardWriter
from dataplane.transport.local import LocalTransport


@dataclass(frozen=True, slots=True)
class Engine:
    metadata: MetadataStore
    transport: LocalTransport
    objects: ObjectStore


@asynccontextmanager
async def open_engine(options: Options, node: RunningNode, *, pool_size: int) -> AsyncIterator[Engine]:
    """Closing waits for commits and shards that are under way. `pool_size`: connections to the regional database."""
    metadata = MetadataStore(
        urls_by_alias(options)[REGIONAL_ALIAS],
        pool_size=pool_size,
        prepare=options.prepared_statements,
    )
    transport = LocalTransport(
        [(store, StoreDirectory(store.number, Path(store.path), store.id)) for store in node.stores]
    )
    envelope = Envelope(KeyRing(*options.secret_keys))
    writer = ShardWriter(
        transport,
        envelope if options.encrypt_at_rest else None,
        WriteSettings(segment_bytes=options.segment_bytes, floor_profile=options.min_profile),
    )
    objects = ObjectStore(
        metadata,
        writer,
        ShardReader(transport, envelope),
        envelope,
        ObjectSettings(inline_bytes=options.inline_object_bytes, encrypt_at_rest=options.encrypt_at_rest),
    )
    try:
        await metadata.open()
        yield Engine(metadata, transport, objects)
    finally:
        await objects.close()
        transport.close()
        await metadata.close()
