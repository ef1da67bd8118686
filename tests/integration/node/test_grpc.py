"""The native API of a node, on the port of S3."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from dataplane.native.v1 import auth_pb2, auth_pb2_grpc
from tests.integration.node.conftest import StartNode


def test_health_and_tokens_on_the_api_port_also_below_a_long_path(start_node: StartNode) -> None:
    node = start_node(f"{'long' * 20}/{'path' * 20}/data")
    node.wait_ready()
    assert not Path(node.description["socket_dir"]).is_relative_to(node.storage)
    given = node.credentials
    with grpc.insecure_channel(node.description["api_address"]) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
        auth = auth_pb2_grpc.AuthServiceStub(channel)
        request = auth_pb2.GetAccessTokenRequest(
            client_id=given["AWS_ACCESS_KEY_ID"], client_secret=given["AWS_SECRET_ACCESS_KEY"]
        )
        assert auth.GetAccessToken(request).access_token.count(".") == 2
        request.client_secret = "wrong"
        with pytest.raises(grpc.RpcError) as refused:
            auth.GetAccessToken(request)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert node.s3().list_buckets()["Buckets"] == []
    assert node.stop() == 0
    assert not Path(node.storage / "run" / "node.json").exists()
