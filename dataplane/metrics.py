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

# Shards and blobs.
BLOB_SEGMENTS_WRITING = _gauge("anvil_blob_segments_writing", "Segments of blobs on their way to the stores.")
BLOB_WRITES_DURABLE = _counter("anvil_blob_writes_durable_total", "Blobs that became durable at quorum.")
BLOB_WRITES_REFUSED = _counter("anvil_blob_writes_refused_total", "Blobs that were begun and discarded.")
SHARD_WRITES_DURABLE = _counter("anvil_shard_writes_durable_total", "Shards durable when their blob reached quorum.")
SHARD_WRITES_FAILED = _counter("anvil_shard_writes_failed_total", "Shards that a store failed to write.")
SHARD_OWED = _counter("anvil_shard_owed_total", "Shards left for repair when their blob reached quorum.")
