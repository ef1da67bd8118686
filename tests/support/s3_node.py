"""One real node for the whole test session, and clients for it: boto3, and raw requests signed by botocore.

Started by `manage.py anvil_serve` with six stores and two workers on free ports; stopped at the session's end.
Buckets of tests are made fresh and never emptied: the node's directory goes as a whole.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote
from xml.etree import ElementTree

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.support.node_process import RunningNode, running_node

SAFE = "-._~"
_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@dataclass(frozen=True)
class App:
    """An app of a tenant and how it signs; `access_key` "" is nobody."""

    url: str
    region: str
    access_key: str = ""
    secret_key: str = ""

    def s3(self, **options: Any) -> Any:
        """A boto3 client as its users make it: path style, no retries, default integrity settings."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=self.access_key or None,
            aws_secret_access_key=self.secret_key or None,
            config=Config(
                s3={"addressing_style": "path"},
                retries={"max_attempts": 0},
                **({} if self.access_key else {"signature_version": _unsigned()}),
                **options,
            ),
        )

    def raw(
        self,
        method: str,
        path: str,
        query: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        wire_body: bytes | None = None,
    ) -> Reply:
        """One request, signed. `wire_body` is sent instead of the `body` that was signed."""
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        lines = signed_headers(self, method, path, parameters, headers=headers or {}, body=body)
        return self.raw_signed(method, path, lines, body if wire_body is None else wire_body, parameters)

    def raw_signed(
        self, method: str, path: str, lines: Mapping[str, str], body: bytes, query: Mapping[str, str] | None = None
    ) -> Reply:
        """One request with these header lines, on a connection of its own."""
        target = quote(path, safe=SAFE + "/")
        if query:
            target += "?" + "&".join(f"{quote(n, safe=SAFE)}={quote(v, safe=SAFE)}" for n, v in query.items())
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in lines.items():
                connection.putheader(name, value.encode())
            if body or method in ("PUT", "POST"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            return Reply(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        finally:
            connection.close()


def _unsigned() -> Any:
    from botocore import UNSIGNED

    return UNSIGNED


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def xml(self) -> ElementTree.Element:
        root = ElementTree.fromstring(self.body)
        for element in root.iter():
            element.tag = element.tag.removeprefix(_NAMESPACE)
        return root

    @property
    def code(self) -> str:
        return (self.xml.findtext("Code") or "") if b"<Error>" in self.body else ""


class _Signer(S3SigV4Auth):
    def __init__(self, app: App, payload: str) -> None:
        super().__init__(Credentials(app.access_key, app.secret_key), "s3", app.region)
        self._payload = payload

    def payload(self, request: AWSRequest) -> str:
        return self._payload


def signed_headers(
    app: App, method: str, path: str, query: Mapping[str, str], *, headers: Mapping[str, str], body: bytes = b""
) -> dict[str, str]:
    host = app.url.removeprefix("http://")
    lines = {name: value for name, value in headers.items() if name.lower() != "x-amz-content-sha256"}
    if not app.access_key:
        return {"Host": host, **dict(headers)}
    payload = headers.get("X-Amz-Content-SHA256") or hashlib.sha256(body).hexdigest()
    request = AWSRequest(method, f"http://{host}{quote(path, safe=SAFE + '/')}", lines, body, dict(query))
    _Signer(app, payload).add_auth(request)
    return {"Host": host, **dict(request.headers.items())}


@dataclass(frozen=True)
class S3Node:
    """The node, its first app, an app of another tenant, and nobody."""

    process: RunningNode
    main: App
    other: App
    nobody: App

    def manage(self, *arguments: str) -> Any:
        return json.loads(self.process.manage(*arguments, "--format", "json"))

    def make_public(self, bucket: str) -> None:
        """Lets anyone read its objects; returns when every worker says so (each connection meets one of them)."""
        self.process.manage("buckets_set_public_access", "--bucket", bucket, "--allow", "true")
        deadline = time.monotonic() + 10
        seen = 0
        while seen < 16:
            public = self.main.raw("GET", f"/{bucket}", "policyStatus").xml.findtext("IsPublic") == "true"
            seen = seen + 1 if public else 0
            assert time.monotonic() < deadline, f"{bucket} did not become public on every worker"

    def add_app(self, tenant: str, *grants: tuple[str, str]) -> App:
        """A new app of `tenant` with these (action, resource) grants."""
        name = f"app-{uuid.uuid4().hex[:8]}"
        issued = self.manage("apps_create", "--tenant-name", tenant, "--app-name", name)
        for action, resource in grants:
            self.manage(
                "policies_grant",
                "--tenant-name",
                tenant,
                "--app-name",
                name,
                "--action",
                action,
                "--resource",
                resource,
            )
        return App(self.process.url, self.process.region, issued["client_id"], issued["client_secret"])


@pytest.fixture(scope="session")
def s3_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Node]:
    with running_node(tmp_path_factory.mktemp("node"), stores=6, workers=2) as process:
        main = App(process.url, process.region, process.access_key, process.secret_key)
        node = S3Node(process, main, main, App(process.url, process.region))
        node.manage("tenants_create", "--name", "other")
        yield S3Node(process, main, node.add_app("other", ("*", "*")), node.nobody)


@pytest.fixture(scope="session")
def s3(s3_node: S3Node) -> Any:
    """boto3 as the node's first app."""
    return s3_node.main.s3()


@pytest.fixture
def new_bucket(s3: Any) -> Callable[..., str]:
    """Makes a bucket of its own name; keyword arguments go to CreateBucket."""

    def make(**arguments: Any) -> str:
        name = f"test-{uuid.uuid4().hex}"
        s3.create_bucket(Bucket=name, **arguments)
        return name

    return make


@pytest.fixture
def bucket(new_bucket: Callable[..., str]) -> str:
    return new_bucket()


@pytest.fixture
def versioned(s3: Any, new_bucket: Callable[..., str]) -> str:
    name = new_bucket()
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[int, str]:
    """(status, code) of the error that a boto3 call ends in."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]
