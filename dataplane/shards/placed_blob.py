"""One try at writing a blob: its id, stores and key, and what became of each shard.

Seals and codes each segment inline (0.25 ms per MiB), sends the frames to all groups at once, and follows
the quorum. Must not know: other tries, other blobs, objects.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence

from dataplane import metrics
from dataplane.contracts import BlobRecord, Encryption, Profile, StoreRecord
from dataplane.crypto.envelope import Envelope, SegmentCipher
from dataplane.erasure.codec import codec_for
from dataplane.erasure.stripes import Stripes
from dataplane.errors import QuorumNotReached, StorageFull
from dataplane.placement.domains import spread
from dataplane.placement.rendezvous import ranked
from dataplane.shards.blob_ids import new_blob_id
from dataplane.shards.frames import ShardHeader, frame_head, pack_header, shard_seed
from dataplane.shards.placing import WriteSettings, shard_bytes
from dataplane.shards.plan import Verdict, WritePlan
from dataplane.transport.base import Buffer, Failures, ShardFailure, ShardTransport, StoreHasNoRoom, WriteGroup

logger = logging.getLogger(__name__)

Frames = Mapping[int, Sequence[Buffer]]
Headers = Mapping[int, bytes] | None


class PlacedBlob:
    """Shards of one blob on their way; for one task at a time."""

    def __init__(
        self,
        transport: ShardTransport,
        envelope: Envelope | None,
        settings: WriteSettings,
        *,
        profile: Profile,
        stores: Sequence[StoreRecord],
        size: int | None,
        leave: Callable[[asyncio.Task[Failures]], None],
    ) -> None:
        """`leave` takes over the tasks of stragglers."""
        self.plan = WritePlan(profile)
        self._transport = transport
        self._settings = settings
        self._leave = leave
        self._blob_id = new_blob_id()
        self._profile = profile
        self._codec = codec_for(profile)
        self._encryption: Encryption | None = None
        self._cipher: SegmentCipher | None = None
        if envelope is not None:
            self._encryption, self._cipher = envelope.create(self._blob_id.bytes)
        self._seeds = [shard_seed(self._blob_id, index) for index in range(profile.shards)]
        self._expected_bytes = shard_bytes(size, profile, settings)
        self._ranking = ranked(self._blob_id.bytes, stores)
        self._stores = dict(enumerate(spread(self._ranking, profile.shards)))
        self._tried = list(self._stores.values())
        self._groups: list[WriteGroup] = self._grouped(self._stores)
        self._failures: dict[int, ShardFailure] = {}

    def record(self, size: int, content_hash: bytes) -> BlobRecord:
        return BlobRecord(
            id=self._blob_id,
            size=size,
            profile=self._profile,
            segment_bytes=self._settings.segment_bytes,
            stores=tuple(self._stores[index].number for index in range(self._profile.shards)),
            encryption=self._encryption,
            content_hash=content_hash,
        )

    async def send(self, index: int, segment: bytes, *, final_size: int | None) -> None:
        """Sends segment `index` (an empty one: none) to all shards; with `final_size` it is the last one.

        On the first one a shard whose store fails is tried on the next store of the ranking. Returns when
        each shard has taken it, failed, or is late beyond grace. Raises where the quorum is lost.
        """
        frames = self._frames(index, segment, last=final_size is not None) if segment else {}
        headers = self._headers(final_size) if final_size is not None else None
        sending = [group for group in self._groups if not self.plan.failed.issuperset(group.indexes)]
        while sending:
            failures, late = await self._send_to(sending, frames, headers)
            replaced = self._replace(failures) if index == 0 else {}
            for shard in (failures.keys() - replaced.keys()) | late:
                self.plan.fail(shard)
            sending = self._grouped(replaced) if replaced else []
            self._groups += sending
        if headers is not None:
            for shard in headers.keys() - self.plan.failed:
                self.plan.ack(shard)
        self._require_quorum()

    async def discard(self) -> None:
        """Removes all shards, published or not. Does not raise."""
        for group in self._groups:
            await group.discard()

    def _require_quorum(self) -> None:
        if self.plan.verdict is not Verdict.ABORT:
            return
        failures = [self._failures[shard] for shard in self.plan.failed if shard in self._failures]
        if failures and all(isinstance(failure, StoreHasNoRoom) for failure in failures):
            raise StorageFull(self._expected_bytes)
        reason = "; ".join(sorted({str(failure) for failure in failures})) or "stores are too slow"
        quorum = self._profile.write_quorum
        raise QuorumNotReached(self._profile.shards - len(self.plan.failed), quorum, reason)

    def _grouped(self, stores: Mapping[int, StoreRecord]) -> list[WriteGroup]:
        numbers = {index: store.number for index, store in stores.items()}
        return self._transport.write_groups(self._blob_id, numbers, self._expected_bytes)

    def _replace(self, failures: Failures) -> dict[int, StoreRecord]:
        """Gives failed shards stores that were not tried yet, as far as there are any."""
        stores = spread(self._ranking, len(failures), self._tried)
        replaced = dict(zip(failures, stores, strict=False))
        self._tried += stores
        self._stores.update(replaced)
        return replaced

    def _frames(self, index: int, segment: bytes, *, last: bool) -> dict[int, tuple[Buffer, ...]]:
        coded = self._cipher.seal(index, segment, last=last) if self._cipher else segment
        return {
            shard: (frame_head(self._seeds[shard], index, fragment), fragment)
            for shard, fragment in enumerate(self._codec.encode(coded))
        }

    def _headers(self, size: int) -> dict[int, bytes]:
        stripes = Stripes(size, self._settings.segment_bytes, self._profile, self._cipher is not None)
        return {shard: pack_header(ShardHeader(self._blob_id, shard, stripes)) for shard in range(self._profile.shards)}

    async def _send_to(
        self, groups: Sequence[WriteGroup], frames: Frames, headers: Headers
    ) -> tuple[Failures, set[int]]:
        """One step of the groups: what failed and what is late, by shard."""
        late: set[int] = set()
        if len(groups) == 1:
            failures = dict(await groups[0].append(frames, headers))
        else:
            failures, late = await self._send_to_several(groups, frames, headers)
        for index, failure in failures.items():
            self._failures[index] = failure
            metrics.SHARD_WRITES_FAILED.inc()
            logger.warning(
                "A shard could not be written",
                extra={"blob": str(self._blob_id), "shard": index, "reason": str(failure)},
            )
        return failures, late

    async def _send_to_several(
        self, groups: Sequence[WriteGroup], frames: Frames, headers: Headers
    ) -> tuple[dict[int, ShardFailure], set[int]]:
        group_of = {asyncio.create_task(group.append(frames, headers)): group for group in groups}
        waiting = set(group_of)
        failures: dict[int, ShardFailure] = {}
        try:
            while waiting:
                grace = self._settings.straggler_grace_seconds if self._enough(group_of, waiting, failures) else None
                done, waiting = await asyncio.wait(waiting, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    break
                for task in done:
                    failures.update(task.result())
        except BaseException:
            for task in waiting:
                task.cancel()
            raise
        late: set[int] = set()
        for task in waiting:
            late.update(group_of[task].indexes)
            if headers is None:
                # It will lack this frame: it cannot become whole any more.
                task.cancel()
                await group_of[task].discard()
            else:
                # It may still become durable by itself; until it is seen there it is owed.
                self._leave(task)
        return failures, late

    def _enough(
        self,
        group_of: Mapping[asyncio.Task[Failures], WriteGroup],
        waiting: Collection[asyncio.Task[Failures]],
        failures: Failures,
    ) -> bool:
        """True where the quorum needs none of the groups that are still waited for."""
        lost = set(self.plan.failed) | set(failures)
        for task in waiting:
            lost.update(group_of[task].indexes)
        return self._profile.shards - len(lost) >= self._profile.write_quorum
