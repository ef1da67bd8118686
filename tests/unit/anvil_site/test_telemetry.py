"""/metrics over several processes, and what the machine says of them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from prometheus_client import CollectorRegistry

from anvil_site import __version__
from anvil_site.process_statistics import age_seconds, node_processes
from anvil_site.telemetry import DIRECTORY_VARIABLE, NODE_METRICS, NodeCollector, forget_process, prepare_directory
from anvil_site.usage_table import BucketFigures, TenantFigures, UsageTable, write_table
from dataplane.metrics import DEFINITIONS

COUNT = """
from dataplane import metrics
metrics.S3_RECEIVED_BYTES.inc(5)
metrics.S3_INFLIGHT.set(3)
"""
SCRAPE = """
import asyncio, os, sys
from pathlib import Path
from anvil_site.telemetry import DIRECTORY_VARIABLE, Exposition
async def pages():
    directory = Path(os.environ[DIRECTORY_VARIABLE])
    exposition = Exposition(region="mars", supervisor_pid=os.getpid(), directory=directory, members=lambda: 1)
    pages = await asyncio.gather(exposition.page(), exposition.page())
    assert pages[0] is pages[1]
    return pages[0]
sys.stdout.write(asyncio.run(pages()).decode())
"""


def run(program: str, directory: Path) -> str:
    environ = {**os.environ, DIRECTORY_VARIABLE: str(directory)}
    return subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
    ).stdout


def test_counts_of_all_processes_are_added_and_start_at_zero(tmp_path: Path) -> None:
    directory = tmp_path / "metrics"
    prepare_directory(directory)
    for _ in range(3):
        run(COUNT, directory)
    page = run(SCRAPE, directory)
    assert "anvil_s3_received_bytes_total 15.0" in page
    assert 'anvil_build_info{python="' in page
    assert "anvil_node_uptime_seconds" in page
    prepare_directory(directory)
    assert "anvil_s3_received_bytes_total 15.0" not in run(SCRAPE, directory)


def test_gauges_of_a_dead_process_no_longer_count(tmp_path: Path) -> None:
    prepare_directory(tmp_path / "metrics")
    run(COUNT, tmp_path / "metrics")
    (gauge,) = (tmp_path / "metrics").glob("gauge_livesum_*.db")
    pid = int(gauge.stem.rpartition("_")[2])
    assert "anvil_s3_requests_inflight 3.0" in run(SCRAPE, tmp_path / "metrics")
    forget_process(pid, tmp_path / "metrics")
    page = run(SCRAPE, tmp_path / "metrics")
    assert "anvil_s3_requests_inflight 3.0" not in page
    assert "anvil_s3_received_bytes_total 5.0" in page


def node_registry(directory: Path, members: int = 1) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(
        NodeCollector(region="mars", supervisor_pid=os.getpid(), directory=directory, members=lambda: members)
    )
    return registry


def test_the_node_collector_yields_what_its_table_says(tmp_path: Path) -> None:
    registry = node_registry(tmp_path)
    families = {family.name: family for family in registry.collect()}
    assert sorted(families) == sorted(metric.name.removesuffix("_total") for metric in NODE_METRICS)
    (build,) = families["anvil_build_info"].samples
    assert build.labels["version"] == __version__
    assert build.labels["region"] == "mars"
    assert not {metric.name for metric in NODE_METRICS} & {definition.name for definition in DEFINITIONS}


def test_members_are_as_many_as_the_node_knows(tmp_path: Path) -> None:
    assert node_registry(tmp_path, members=3).get_sample_value("anvil_gossip_members", {"state": "alive"}) == 3


def test_usage_is_what_the_last_table_says(tmp_path: Path) -> None:
    prepare_directory(tmp_path / "metrics")
    registry = node_registry(tmp_path / "metrics")
    photos = {"tenant": "acme", "bucket": "photos"}
    assert registry.get_sample_value("anvil_bucket_bytes", photos) is None
    write_table(tmp_path / "metrics", UsageTable([BucketFigures("acme", "photos", 5, 2)], [TenantFigures("acme", 7)]))
    assert registry.get_sample_value("anvil_bucket_bytes", photos) == 5
    assert registry.get_sample_value("anvil_bucket_versions", photos) == 2
    assert registry.get_sample_value("anvil_tenant_bytes", {"tenant": "acme"}) == 7
    page = run(SCRAPE, tmp_path / "metrics")
    assert 'anvil_bucket_bytes{bucket="photos",tenant="acme"} 5.0' in page
    write_table(tmp_path / "metrics", UsageTable([], []))
    assert registry.get_sample_value("anvil_bucket_bytes", photos) is None
    assert registry.get_sample_value("anvil_tenant_bytes", {"tenant": "acme"}) is None


def test_statistics_of_a_process_and_its_children() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            processes = {process.name: process for process in node_processes(os.getpid())}
            assert processes["sleep"].resident_bytes > 0
            assert processes["supervisor"].resident_bytes > 10 << 20
            assert processes["supervisor"].cpu_seconds > 0
            assert 0 < age_seconds(os.getpid()) < 86400
        finally:
            child.kill()
    assert age_seconds(child.pid) == 0
    assert list(node_processes(child.pid)) == []


def test_the_version_is_the_packages() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert project["project"]["version"] == __version__
