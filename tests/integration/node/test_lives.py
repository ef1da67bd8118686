"""A running node through losses, drains and reloads."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from tests.integration.node.conftest import Node, StartNode, is_alive, wait_until

pytestmark = pytest.mark.slow


def signed_put(node: Node, path: str, length: int) -> bytes:
    """The head of a PUT with an unsigned payload, ready to send."""
    given = node.credentials
    request = AWSRequest(
        "PUT",
        node.description["api_url"] + path,
        headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD", "Content-Length": str(length)},
    )
    session = boto3.Session(given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(session.get_credentials(), "s3", given["AWS_REGION"]).add_auth(request)
    host = node.description["api_address"]
    lines = [f"PUT {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def connect(node: Node) -> socket.socket:
    host, _, port = node.description["api_address"].rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def is_refused(node_address: str) -> bool:
    host, _, port = node_address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return True
    return False


def test_sigterm_lets_a_request_in_flight_finish_and_takes_no_new_one(start_node: StartNode) -> None:
    node = start_node()
    node.wait_ready()
    node.s3().create_bucket(Bucket="drained")
    address, body = node.description["api_address"], os.urandom(4 << 20)
    with connect(node) as upload:
        upload.sendall(signed_put(node, "/drained/half-sent", len(body)))
        upload.sendall(body[: 1 << 20])
        node.process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_refused(address), "new connections are refused")
        assert node.process.poll() is None
        upload.sendall(body[1 << 20 :])
        reply = upload.recv(65536)
    assert reply.startswith(b"HTTP/1.1 200 ")
    assert node.process.wait(30) == 0
    again = start_node()
    again.wait_ready()
    assert again.s3().get_object(Bucket="drained", Key="half-sent")["Body"].read() == body


def test_a_request_that_never_ends_does_not_keep_a_node_from_stopping(start_node: StartNode) -> None:
    node = start_node(environ={"DRAIN_SECONDS": "1"})
    node.wait_ready()
    node.s3().create_bucket(Bucket="stuck")
    with connect(node) as upload:
        upload.sendall(signed_put(node, "/stuck/never", 1 << 20) + b"x" * 1000)
        node.process.send_signal(signal.SIGTERM)
        assert node.process.wait(30) == 0


def test_a_killed_worker_is_replaced(start_node: StartNode) -> None:
    node = start_node()
    node.wait_ready()
    node.s3().create_bucket(Bucket="kept")
    node.s3().put_object(Bucket="kept", Key="k", Body=b"body")
    for name in ("anvil-worker-1", "anvil-worker-2", "anvil-steward"):
        pid = wait_until(lambda: node.children().get(name), f"{name} runs")  # noqa: B023 - used at once
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: node.children().get(name, pid) != pid, f"{name} runs again")  # noqa: B023 - used at once
    wait_until(lambda: node.get("/ready")[0] == 200, "the node is ready again")
    assert node.s3().get_object(Bucket="kept", Key="k")["Body"].read() == b"body"
    lost = [line for line in node.log_lines() if line["message"] == "A child ended"]
    assert [line["reason"] for line in lost] == ["signal SIGKILL"] * 3


def test_a_killed_database_server_is_started_again(start_node: StartNode) -> None:
    node = start_node()
    node.wait_ready()
    node.s3().create_bucket(Bucket="kept")
    node.s3().put_object(Bucket="kept", Key="k", Body=b"body")
    os.kill(node.children()["postgres"], signal.SIGKILL)

    def serves() -> bool:
        try:
            return node.s3().get_object(Bucket="kept", Key="k")["Body"].read() == b"body"
        except Exception:
            return False

    wait_until(serves, "objects are served again", 60)
    wait_until(lambda: node.get("/ready")[0] == 200, "the node is ready again", 60)


def test_a_killed_supervisor_leaves_nothing_behind(start_node: StartNode) -> None:
    node = start_node()
    node.wait_ready()
    node.s3().create_bucket(Bucket="kept")
    node.s3().put_object(Bucket="kept", Key="k", Body=b"body")
    family = node.descendants()
    assert len(family) >= 4
    node.kill()
    wait_until(lambda: not any(map(is_alive, family)), "every process has ended", 10)
    again = start_node()
    again.wait_ready()
    assert again.s3().get_object(Bucket="kept", Key="k")["Body"].read() == b"body"


def test_sighup_takes_over_reloadable_options(start_node: StartNode, tmp_path: Path) -> None:
    env_file = tmp_path / "node.env"
    env_file.write_text("ACCESS_LOG=false\n")
    node = start_node(environ={"ENV_FILE": str(env_file)})
    node.wait_ready()

    def access_lines() -> int:
        return sum(line["logger"] == "anvil.access" for line in node.log_lines())

    node.s3().list_buckets()
    assert access_lines() == 0
    env_file.write_text("ACCESS_LOG=perhaps\n")
    node.process.send_signal(signal.SIGHUP)
    wait_until(lambda: any(line["message"] == "Not reloaded" for line in node.log_lines()), "the value is refused")
    env_file.write_text("ACCESS_LOG=true\n")
    node.process.send_signal(signal.SIGHUP)

    def logs_requests() -> bool:
        node.s3().list_buckets()
        return access_lines() > 0

    wait_until(logs_requests, "requests are logged")
    line = next(line for line in node.log_lines() if line["logger"] == "anvil.access")
    assert line["operation"] == "ListBuckets"
    assert len(line["request_id"]) == 16
