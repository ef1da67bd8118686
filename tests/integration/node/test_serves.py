"""Health, metrics and commands of a running node; a node on databases of its operator's."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.integration.node.conftest import Node, StartNode, wait_until
from tests.support.node_process import ROOT
from tests.support.postgres import Cluster, Databases


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    running = Node(tmp_path_factory.mktemp("served") / "data")
    try:
        running.wait_ready()
        yield running
    finally:
        running.kill()


def test_health_pages(node: Node) -> None:
    assert node.get("/") == (200, b'{"status": "alive"}\n')
    assert node.get("/health/live")[0] == 200
    for path in ("/ready", "/health/ready"):
        status, body = node.get(path)
        assert status == 200
        checks = json.loads(body)["checks"]
        assert sorted(checks) == ["global_database", "members", "regional_database", "storage"]
        assert all(check["ok"] for check in checks.values())
    summary = json.loads(node.get("/health")[1])
    assert summary["node_id"] == node.description["node_id"]
    assert summary["uptime_seconds"] > 0
    assert summary["region"] == "us-east-1"


def test_the_root_is_liveness_unsigned_and_the_bucket_list_signed(node: Node) -> None:
    assert node.get("/")[1] == b'{"status": "alive"}\n'
    assert node.s3().list_buckets()["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/xml"
    status, body = node.get("/?x-id=ListBuckets")
    assert status == 403
    assert b"<Code>AccessDenied</Code>" in body


def test_metrics_add_up_over_the_processes(node: Node) -> None:
    def listed() -> float:
        text = node.get("/metrics")[1].decode()
        found = re.search(r'^anvil_s3_requests_total\{code="200",operation="ListBuckets"\} (\S+)$', text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    before = listed()
    for _ in range(10):
        node.s3().list_buckets()  # a connection each: both workers get some
    wait_until(lambda: listed() == before + 10, "all ten are counted")
    names = ("supervisor", "anvil-worker-1", "anvil-worker-2", "anvil-steward", "postgres")
    text = ""

    def all_told() -> bool:
        nonlocal text  # each worker keeps its page for a moment: one page must tell all
        text = node.get("/metrics")[1].decode()
        return all(f'anvil_process_resident_memory_bytes{{process="{name}"}}' in text for name in names)

    wait_until(all_told, "one page tells of every process")
    for name in names:
        value = re.search(rf'^anvil_process_resident_memory_bytes\{{process="{name}"\}} (\S+)$', text, re.MULTILINE)
        assert value is not None, name
        assert 10 << 20 < float(value[1]) < 1 << 30, name
    assert "anvil_node_uptime_seconds" in text


def test_metrics_tell_what_buckets_hold_and_forget_deleted_ones(node: Node) -> None:
    def page() -> dict[str, float]:
        lines = [line.rpartition(" ") for line in node.get("/metrics")[1].decode().splitlines() if line[0] != "#"]
        return {series: float(value) for series, _, value in lines}

    s3, labels = node.s3(), '{bucket="measured",tenant="default"}'
    s3.create_bucket(Bucket="measured")
    for key, size in (("small", 1000), ("large", 300_000)):
        s3.put_object(Bucket="measured", Key=key, Body=b"x" * size)
    # One page for all: another worker's may be half a second older.
    measured = wait_until(
        lambda: (found := page()).get(f"anvil_bucket_bytes{labels}") == 301_000 and found, "the bytes are counted", 60
    )
    assert measured[f"anvil_bucket_versions{labels}"] == 2
    assert measured['anvil_tenant_bytes{tenant="default"}'] >= 301_000
    assert measured['anvil_gossip_members{state="alive"}'] == 1
    assert measured['anvil_database_query_seconds_count{statement="put"}'] >= 2
    assert measured['anvil_database_connections{state="idle"}'] > 0

    os.kill(node.children()["anvil-steward"], signal.SIGKILL)
    for key in ("small", "large"):
        s3.delete_object(Bucket="measured", Key=key)
    s3.delete_bucket(Bucket="measured")
    wait_until(lambda: f"anvil_bucket_bytes{labels}" not in page(), "the deleted bucket is gone", 60)


def test_commands_reach_a_running_node(node: Node) -> None:
    made = json.loads(
        node.command("apps_create", "--tenant-name", "default", "--app-name", "by-command", "--format", "json").stdout
    )
    assert sorted(made) == ["client_id", "client_secret"]
    assert "us-east-1" in node.command("regions_list").stdout
    spelled = node.command("admin", "regions", "create", "--name", "mars", "--format", "json")
    assert json.loads(spelled.stdout)["name"] == "mars"
    assert json.loads(node.command("healthcheck").stdout)["status"] == "ready"
    assert node.command("nonsense", check=False).returncode == 1
    assert node.get("/ready")[0] == 200


def test_commands_start_the_database_where_no_node_runs(tmp_path: Path) -> None:
    environ = {**os.environ, "STORAGE_PATH": str(tmp_path / "data")}

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )

    assert command("regions_create", "--name", "early").returncode == 0
    listed = command("admin", "regions", "list", "--format", "json")
    assert [region["name"] for region in json.loads(listed.stdout)] == ["early"]
    health = command("healthcheck")
    assert health.returncode == 1
    assert "No node runs on" in health.stderr


def test_config_shows_every_option_and_no_secret(tmp_path: Path) -> None:
    secret = "0123456789abcdef0123456789abcdef"
    environ = {**os.environ, "JWT_SECRET": secret, "REGION": "mars"}
    shown = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "config", "--format", "json"],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    rows = {row["option"]: row for row in json.loads(shown.stdout)}
    assert rows["REGION"]["value"] == "mars"
    assert rows["JWT_SECRET"]["value"] == "(set)"
    assert secret not in shown.stdout


def test_a_node_on_given_databases_generates_nothing(
    start_node: StartNode, postgres_cluster: Cluster, tmp_path: Path
) -> None:
    databases = Databases(postgres_cluster.create("given_global"), postgres_cluster.create("given_regional"))
    key_file = tmp_path / "key"
    key_file.write_text(os.urandom(32).hex() + "\n")
    environ = {
        "GLOBAL_DATABASE_URL": databases.global_url,
        "REGIONAL_DATABASE_URL": databases.regional_url,
        "JWT_SECRET": os.urandom(24).hex(),
        "ANVIL_SECRET_ENCRYPTION_KEY_FILE": str(key_file),
        "REGION": "europe",
        "WORKERS": "1",
    }
    node = start_node(environ=environ)
    try:
        node.wait_ready()
        for absent in ("postgres", "secrets", "credentials.env"):
            assert not (node.storage / absent).exists()
        assert "postgres" not in node.children()
        tenants = json.loads(node.command("tenants_list", "--format", "json").stdout)
        assert tenants == []

        with psycopg.connect(postgres_cluster.url(), autocommit=True) as connection:
            connection.execute("ALTER DATABASE given_regional ALLOW_CONNECTIONS false")

            def not_ready() -> bytes | None:
                status, body = node.get("/ready")
                return body if status == 503 else None

            checks = json.loads(wait_until(not_ready, "the node is not ready"))["checks"]
            assert not checks["regional_database"]["ok"]
            assert checks["global_database"]["ok"]
            assert node.get("/")[0] == 200
            connection.execute("ALTER DATABASE given_regional ALLOW_CONNECTIONS true")
        wait_until(lambda: node.get("/ready")[0] == 200, "the node is ready again")
    finally:
        node.kill()
        for name in ("given_global", "given_regional"):
            postgres_cluster.drop(name)


def test_deleted_objects_free_their_space(start_node: StartNode) -> None:
    node = start_node(environ={"DELETE_GRACE_SECONDS": "0", "WORKERS": "1"})
    node.wait_ready()
    s3 = node.s3()
    s3.create_bucket(Bucket="freed")

    def shard_bytes() -> int:
        return sum(path.stat().st_size for path in (node.storage / "shards").rglob("*") if path.is_file())

    for number in range(3):
        s3.put_object(Bucket="freed", Key=f"k{number}", Body=os.urandom(1 << 20))
    assert shard_bytes() >= 3 << 20
    s3.put_object(Bucket="freed", Key="k0", Body=b"small now")
    s3.delete_objects(Bucket="freed", Delete={"Objects": [{"Key": "k1"}, {"Key": "k2"}]})
    wait_until(lambda: shard_bytes() == 0, "the steward has removed every shard", 60)
    assert s3.get_object(Bucket="freed", Key="k0")["Body"].read() == b"small now"
    s3.delete_object(Bucket="freed", Key="k0")
    s3.delete_bucket(Bucket="freed")
