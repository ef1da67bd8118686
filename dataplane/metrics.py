"""Every metric of the node, in one place: name, kind, labels, meaning. Must not know: who counts.

Names are `anvil_<area>_<what>_<unit>`. Label values come from small fixed sets, never from keys or bucket names.
`labels(...)` builds a child anew each time: hot paths keep theirs. With PROMETHEUS_MULTIPROC_DIR set before the first
import the values of all processes are summed on scraping; gauges say how (`multiprocess_mode`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from prometheus_client import Counter, Gauge, Histogram

GaugeMode = Literal["livesum", "livemax", "livemin", "livemostrecent"]

LATENCY_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


class Definition(NamedTuple):
    """One line of docs/reference/metrics.md; dashboards and alerts are tested against these names."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


DEFINITIONS: list[Definition] = []


def _counter(name: str, meaning: str, labels: tuple[str, ...] = ()) -> Counter:
    DEFINITIONS.append(Definition(name, "counter", labels, meaning))
    return Counter(name, meaning, labels)


def _gauge(name: str, meaning: str, labels: tuple[str, ...] = (), *, mode: GaugeMode = "livesum") -> Gauge:
    DEFINITIONS.append(Definition(name, "gauge", labels, meaning))
    return Gauge(name, meaning, labels, multiprocess_mode=mode)


def _histogram(
    name: str, meaning: str, labels: tuple[str, ...] = (), *, buckets: tuple[float, ...] = LATENCY_BUCKETS_SECONDS
) -> Histogram:
    DEFINITIONS.append(Definition(name, "histogram", labels, meaning))
    return Histogram(name, meaning, labels, buckets=buckets)


# S3 gateway. `operation` is a row of s3gateway/operations/table.py or "none"; `code` is the HTTP status, or
# "499" where the client left and "cut" where a reply had to be broken off.
S3_REQUESTS = _counter("anvil_s3_requests_total", "S3 requests answered.", ("operation", "code"))
S3_REQUEST_SECONDS = _histogram(
    "anvil_s3_request_seconds", "From the request's head to the last byte of the reply.", ("operation",)
)
S3_TTFB_SECONDS = _histogram("anvil_s3_ttfb_seconds", "From a GetObject's head to the first byte of its reply.")
S3_INFLIGHT = _gauge("anvil_s3_requests_inflight", "S3 requests being worked on, sampled each second.")
S3_RECEIVED_BYTES = _counter("anvil_s3_received_bytes_total", "Bytes of S3 request bodies, with their framing.")
S3_SENT_BYTES = _counter("anvil_s3_sent_bytes_total", "Bytes of S3 reply bodies.")
S3_RESERVED_REFUSALS = _counter(
    "anvil_s3_reserved_namespace_refusals_total", "Requests refused because their key lies under _anvil/."
)

# Native API. `method` is `/package.Service/Name` of a method that exists, `code` the name of a gRPC status.
NATIVE_REQUESTS = _counter("anvil_native_requests_total", "Native gRPC calls answered.", ("method", "code"))
NATIVE_REQUEST_SECONDS = _histogram(
    "anvil_native_request_seconds", "From a native call's arrival to its status.", ("method",)
)

# Listener. `protocol`: http1, http2. `reason`: connections, streams, malformed, too-large, flood, timeout.
LISTENER_CONNECTIONS = _gauge("anvil_listener_connections", "Open connections of the API port.", ("protocol",))
LISTENER_STREAMS = _gauge("anvil_listener_streams", "Open HTTP/2 streams, sampled every few seconds.")
LISTENER_REFUSALS = _counter(
    "anvil_listener_refusals_total", "Connections, requests and streams the listener ended by itself.", ("reason",)
)

# Shards and blobs.
BLOB_SEGMENTS_WRITING = _gauge("anvil_blob_segments_writing", "Segments of blobs on their way to the stores.")
BLOB_SEGMENTS_READING = _gauge(
    "anvil_blob_segments_reading", "Segments of blobs being read, ahead of their readers too."
)
BLOB_WRITES_DURABLE = _counter("anvil_blob_writes_durable_total", "Blobs that became durable at quorum.")
BLOB_WRITES_REFUSED = _counter("anvil_blob_writes_refused_total", "Blobs that were begun and discarded.")
BLOB_WRITES_ORPHANED = _counter(
    "anvil_blob_writes_orphaned_total",
    "Blobs kept though their commit's outcome is unknown; if it failed, the orphan sweep removes them.",
)
BLOB_SEGMENTS_DEGRADED = _counter(
    "anvil_blob_segments_degraded_total", "Segments decoded from parity because a data shard was missing or bad."
)
BLOB_READS_DAMAGED = _counter("anvil_blob_reads_damaged_total", "Reads that failed for want of enough good shards.")
SHARD_WRITES_DURABLE = _counter("anvil_shard_writes_durable_total", "Shards durable when their blob reached quorum.")
SHARD_WRITES_FAILED = _counter("anvil_shard_writes_failed_total", "Shards that a store failed to write.")
SHARD_OWED = _counter("anvil_shard_owed_total", "Shards left for repair when their blob reached quorum.")
SHARD_FRAMES = _counter(
    "anvil_shard_frames_total",
    "Frames that reads asked for: good, missing (no such file), corrupt (wrong bytes), failed (the store is down).",
    ("outcome",),
)
SHARD_FRAMES_GOOD = SHARD_FRAMES.labels("good")
SHARD_FRAMES_MISSING = SHARD_FRAMES.labels("missing")
SHARD_FRAMES_CORRUPT = SHARD_FRAMES.labels("corrupt")
SHARD_FRAMES_FAILED = SHARD_FRAMES.labels("failed")
SHARD_DELETES = _counter(
    "anvil_shard_deletes_total",
    "Shards removed since nothing refers to their blob, or not: done, failed.",
    ("outcome",),
)
SHARD_DELETES_DONE = SHARD_DELETES.labels("done")
SHARD_DELETES_FAILED = SHARD_DELETES.labels("failed")

# Metadata database. What `statement` says is what the statement, batch or transaction is for.
DATABASE_SECONDS = _histogram(
    "anvil_database_query_seconds",
    "From sending a statement or a batch to the metadata database to its answer, or a transaction to its end:"
    " lookup, put, delete, list, other. Waiting for a connection is not in it.",
    ("statement",),
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0),
)
DATABASE_LOOKUP = DATABASE_SECONDS.labels("lookup")
DATABASE_PUT = DATABASE_SECONDS.labels("put")
DATABASE_DELETE = DATABASE_SECONDS.labels("delete")
DATABASE_LIST = DATABASE_SECONDS.labels("list")
DATABASE_OTHER = DATABASE_SECONDS.labels("other")
DATABASE_CONNECTIONS = _gauge(
    "anvil_database_connections",
    "Connections to the metadata database by state, sampled each second: in_use, idle.",
    ("state",),
)
DATABASE_CONNECTIONS_IN_USE = DATABASE_CONNECTIONS.labels("in_use")
DATABASE_CONNECTIONS_IDLE = DATABASE_CONNECTIONS.labels("idle")
DATABASE_CONNECTIONS_LIMIT = _gauge(
    "anvil_database_connections_limit", "Connections to the metadata database that may be open at most."
)

# Stores, by their number.
STORE_CAPACITY_BYTES = _gauge(
    "anvil_store_capacity_bytes", "Size of the store's file system.", ("store",), mode="livemostrecent"
)
STORE_FREE_BYTES = _gauge(
    "anvil_store_free_bytes", "Room for shards, the store's reserve taken off.", ("store",), mode="livemostrecent"
)
STORE_UP = _gauge("anvil_store_up", "1 while the store works, else 0.", ("store",), mode="livemostrecent")

# Background tasks. `kind` is a name registered with dataplane/tasks.
TASK_RUNS = _counter(
    "anvil_task_runs_total", "Attempts at tasks by how they ended: done, failed, dead.", ("kind", "outcome")
)
TASK_SECONDS = _histogram(
    "anvil_task_run_seconds",
    "How long an attempt at a task took.",
    ("kind",),
    buckets=(0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0),
)
TASK_QUEUE_LENGTH = _gauge(
    "anvil_task_queue_length", "Tasks in the queue: pending, running, dead.", ("kind", "state"), mode="livemostrecent"
)
TASK_OLDEST_SECONDS = _gauge(
    "anvil_task_oldest_seconds", "How long the longest waiting task has been due.", ("kind",), mode="livemostrecent"
)
