"""`/metrics`: the counts of all processes of the node, added up, and what is looked up when somebody asks.

Every process writes its metrics to files below one directory (prometheus_client's multiprocess mode, chosen by an
environment variable before that library is first imported); whichever worker is asked reads them all, in a thread.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anvil_site import __version__
from anvil_site.process_statistics import age_seconds, node_processes
from anvil_site.usage_table import MAX_BUCKETS, MAX_TENANTS, OTHERS, read_table

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_RENDER_AGAIN_AFTER_SECONDS = 0.5


class NodeMetric(NamedTuple):
    """As `dataplane.metrics.Definition`, which must not be imported before the library's mode is chosen."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


NODE_METRICS = (
    NodeMetric("anvil_build_info", "gauge", ("version", "python", "region"), "Always 1; the labels say what runs."),
    NodeMetric("anvil_node_uptime_seconds", "gauge", (), "Seconds since the node started."),
    NodeMetric("anvil_process_resident_memory_bytes", "gauge", ("process",), "Memory of each process of the node."),
    NodeMetric("anvil_process_cpu_seconds_total", "counter", ("process",), "CPU time of each process of the node."),
    NodeMetric(
        "anvil_gossip_members", "gauge", ("state",), "Members of the cluster that this node knows, itself too: alive."
    ),
    NodeMetric(
        "anvil_bucket_bytes",
        "gauge",
        ("tenant", "bucket"),
        "Bytes of all versions in a bucket, some seconds ago; uploads in progress do not count. "
        f"The {MAX_BUCKETS} largest buckets are named, the rest is `{OTHERS}`. Every node of a region tells the same.",
    ),
    NodeMetric(
        "anvil_bucket_versions",
        "gauge",
        ("tenant", "bucket"),
        "Versions in a bucket, delete markers too; named like `anvil_bucket_bytes`.",
    ),
    NodeMetric(
        "anvil_tenant_bytes",
        "gauge",
        ("tenant",),
        "Bytes in all buckets that a tenant has in the node's region. "
        f"The {MAX_TENANTS} largest tenants are named, the rest is `{OTHERS}`.",
    ),
)
"""What `NodeCollector` reads; what is counted stands in `dataplane/metrics.py`."""


def prepare_directory(directory: Path) -> None:
    """Empties it: counts start at zero with the node. Called once, by the supervisor, before any child runs."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True)


def forget_process(pid: int, directory: Path) -> None:
    """Gauges of a dead process no longer count; its counters do, for they happened."""
    for path in directory.glob(f"gauge_live*_{pid}.db"):
        path.unlink(missing_ok=True)


class Exposition:
    """Renders the page; several askers at once, or in quick succession, share one rendering."""

    def __init__(self, *, region: str, supervisor_pid: int, directory: Path, members: Callable[[], int]) -> None:
        """`directory`: what the supervisor prepared. `members`: how many of the cluster are alive."""
        # Imported here: the library decides at its import whether this process writes files.
        from prometheus_client import CollectorRegistry  # noqa: PLC0415
        from prometheus_client.core import REGISTRY  # noqa: PLC0415
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

        if os.environ.get(DIRECTORY_VARIABLE):
            self._registry = CollectorRegistry()
            MultiProcessCollector(self._registry)  # type: ignore[no-untyped-call]
        else:
            self._registry = REGISTRY
        self._node_registry = CollectorRegistry()
        self._node_registry.register(
            NodeCollector(region=region, supervisor_pid=supervisor_pid, directory=directory, members=members)
        )
        self._lock = asyncio.Lock()
        self._page = b""
        self._rendered_at = float("-inf")

    async def page(self) -> bytes:
        async with self._lock:
            if time.monotonic() - self._rendered_at > _RENDER_AGAIN_AFTER_SECONDS:
                self._page = await asyncio.to_thread(self.render)
                self._rendered_at = time.monotonic()
            return self._page

    def render(self) -> bytes:
        from prometheus_client import generate_latest  # noqa: PLC0415

        return generate_latest(self._registry) + generate_latest(self._node_registry)


_BY_NAME = {metric.name: metric for metric in NODE_METRICS}


class NodeCollector:
    """Read at each scrape, not counted: build, uptime, processes, members, what the buckets hold."""

    def __init__(self, *, region: str, supervisor_pid: int, directory: Path, members: Callable[[], int]) -> None:
        self._region = region
        self._supervisor_pid = supervisor_pid
        self._directory = directory
        self._members = members

    def collect(self) -> Iterator[Metric]:
        yield _gauge("anvil_build_info", [([__version__, platform.python_version(), self._region], 1)])
        yield _gauge("anvil_node_uptime_seconds", [([], age_seconds(self._supervisor_pid))])
        processes = list(node_processes(self._supervisor_pid))
        yield _gauge("anvil_process_resident_memory_bytes", [([one.name], one.resident_bytes) for one in processes])
        yield _counter("anvil_process_cpu_seconds_total", [([one.name], one.cpu_seconds) for one in processes])
        yield _gauge("anvil_gossip_members", [(["alive"], self._members())])
        usage = read_table(self._directory)
        yield _gauge("anvil_bucket_bytes", [([one.tenant, one.bucket], one.bytes) for one in usage.buckets])
        yield _gauge("anvil_bucket_versions", [([one.tenant, one.bucket], one.versions) for one in usage.buckets])
        yield _gauge("anvil_tenant_bytes", [([one.tenant], one.bytes) for one in usage.tenants])


def _gauge(name: str, samples: Sequence[tuple[list[str], float]]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    definition = _BY_NAME[name]
    family = GaugeMetricFamily(name, definition.meaning, labels=definition.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _counter(name: str, samples: Sequence[tuple[list[str], float]]) -> Metric:
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415

    definition = _BY_NAME[name]
    family = CounterMetricFamily(name.removesuffix("_total"), definition.meaning, labels=definition.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family
