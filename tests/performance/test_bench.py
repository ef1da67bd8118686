"""The benchmark measures what it says: its signatures are good, its driver counts right and notices wrong replies."""

from __future__ import annotations

import contextlib
import os
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.performance.bench import __main__ as command
from tests.performance.bench import listing, report
from tests.performance.bench.cells import Cell, Sample
from tests.performance.bench.loadgen import Driver, Outcome, Request, binary
from tests.performance.bench.process_cost import listeners, measure
from tests.performance.bench.signing import EMPTY_SHA256, Signer, quote_path, quote_query
from tests.performance.bench.target import Target
from tests.support.node_process import ROOT

REPLIES = {
    "/b/sized": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "/b/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n",
    "/b/closing": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
    "/b/until-end": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "/b/short": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell",
    "/b/refused": b'HTTP/1.1 503 Slow\r\nContent-Length: 20\r\n\r\n<Error>"why"</Error>',
    "/b/bodiless": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/b/continued": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
}
CLOSED_AFTER = {"/b/closing", "/b/until-end"}


class CannedHandler(socketserver.StreamRequestHandler):
    """Answers from `REPLIES` by path, in two pieces; collects the bodies of PUTs."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            while request := self.rfile.readline():
                method, path, _ = request.decode().split(" ", 2)
                sizes = [
                    int(line.split(b":")[1])
                    for line in iter(self.rfile.readline, b"\r\n")
                    if line.lower().startswith(b"content-length")
                ]
                if method == "PUT":
                    self.server.received.append(self.rfile.read(sizes[0]))  # type: ignore[attr-defined]
                reply = REPLIES.get(unquote(path), REPLIES["/b/bodiless"])
                for half in (reply[: len(reply) // 2], reply[len(reply) // 2 :]):
                    self.connection.sendall(half)
                if path in CLOSED_AFTER:
                    return


@contextlib.contextmanager
def canned_server(received: list[bytes]) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), CannedHandler) as server:
        server.received = received  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def program() -> Path:
    return binary(ROOT / ".cache" / "bench")


def replay(
    program: Path, folder: Path, requests: list[tuple[str, str, Request | None]], **options: int
) -> tuple[Outcome, list[bytes]]:
    """Runs the driver over (method, key, template) against the canned server."""
    received: list[bytes] = []
    body = folder / "body"
    body.write_bytes(bytes(range(256)) * 4096)
    with canned_server(received) as port:
        target = Target("canned", "127.0.0.1", port, Signer("key", "secret", "us-east-1"), "b")
        ready = [
            Request(
                target.head(method, key, body_bytes=template.body_bytes if template else 0),
                body_bytes=template.body_bytes if template else 0,
                reply_bytes=template.reply_bytes if template else -1,
                no_reply_body=method == "HEAD",
            )
            for method, key, template in requests
        ]
        outcome = Driver(program, folder).run(
            target,
            ready,
            clients=options.get("clients", 1),
            seconds=30,
            most=options.get("most", len(ready)),
            wrap=bool(options.get("wrap", 0)),
            body=body,
        )
    return outcome, received


@pytest.mark.parametrize("key", ["sized", "chunked", "closing", "until-end", "continued"])
def test_every_framing_is_counted_whole(program: Path, tmp_path: Path, key: str) -> None:
    template = Request(b"", reply_bytes=5)
    outcome, _ = replay(program, tmp_path, [("GET", key, template)] * 3, clients=2)
    assert (outcome.requests, outcome.errors, outcome.bytes) == (3, 0, 15), outcome
    assert 0 < outcome.p50_ms <= outcome.p99_ms


def test_a_reply_without_a_body_is_a_reply(program: Path, tmp_path: Path) -> None:
    outcome, _ = replay(program, tmp_path, [("DELETE", "bodiless", None), ("GET", "sized", None)])
    assert (outcome.requests, outcome.errors, outcome.bytes) == (2, 0, 5)


def test_a_short_reply_is_an_error(program: Path, tmp_path: Path) -> None:
    outcome, _ = replay(program, tmp_path, [("GET", "short", Request(b"", reply_bytes=5))])
    assert (outcome.requests, outcome.errors) == (0, 1)
    assert "4 bytes of 5" in outcome.excerpt


def test_a_refusal_is_an_error_with_its_text(program: Path, tmp_path: Path) -> None:
    outcome, _ = replay(program, tmp_path, [("GET", "refused", None), ("GET", "sized", None)])
    assert (outcome.requests, outcome.errors, outcome.last_bad_status) == (1, 1, 503)
    assert outcome.excerpt == "<Error> why </Error>"


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 1 << 20])
def test_bodies_arrive_as_they_are(program: Path, tmp_path: Path, size: int) -> None:
    template = Request(b"", body_bytes=size)
    outcome, received = replay(program, tmp_path, [("PUT", "stored", template)] * 3)
    assert (outcome.requests, outcome.errors, outcome.bytes) == (3, 0, 3 * size)
    assert received == [(bytes(range(256)) * 4096)[:size]] * 3


def test_a_script_can_be_repeated_up_to_a_bound(program: Path, tmp_path: Path) -> None:
    outcome, _ = replay(program, tmp_path, [("GET", "sized", None)], clients=3, most=50, wrap=1)
    assert outcome.requests == 50


@pytest.mark.parametrize(
    ("method", "key", "query"),
    [
        ("GET", "plain", {}),
        ("PUT", "a b/ü+~'(1).txt", {}),
        ("GET", "", {"list-type": "2", "prefix": "a/b c", "start-after": "ü"}),
    ],
)
def test_signatures_agree_with_botocore(method: str, key: str, query: dict[str, str]) -> None:
    path, encoded = quote_path("bucket", key), quote_query(query)
    signer = Signer("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-central-1")
    ours = dict(signer.headers(method, path, encoded, "127.0.0.1:9000", EMPTY_SHA256))

    request = AWSRequest(method, f"http://127.0.0.1:9000{path}{'?' + encoded if encoded else ''}")
    request.headers["X-Amz-Content-SHA256"] = EMPTY_SHA256
    theirs = S3SigV4Auth(Credentials(signer.access_key, signer.secret_key), "s3", signer.region)
    request.context["timestamp"] = ours["X-Amz-Date"]
    request.headers["X-Amz-Date"] = ours["X-Amz-Date"]
    to_sign = theirs.string_to_sign(request, theirs.canonical_request(request))
    assert ours["Authorization"].endswith(f"Signature={theirs.signature(to_sign, request)}")


def test_own_cpu_time_is_seen() -> None:
    before = measure({os.getpid()})
    while measure({os.getpid()}).cpu_seconds <= before.cpu_seconds:
        sum(range(100_000))
    assert measure({os.getpid()}, memory=True).pss_mib > 1


def test_the_owner_of_a_port_is_found() -> None:
    with canned_server([]) as port:
        assert listeners(port) == {os.getpid()}


def sample(rate: float) -> Sample:
    outcome = Outcome(int(rate * 2), 0, 4096, 2.0, 1.0, 2.0, 0.1, 0, 0, "")
    return Sample(outcome, cpu_seconds=0.5, rss_mib=100, pss_mib=50)


def test_a_row_holds_medians_and_the_ratio_round_by_round() -> None:
    cell = Cell("get", 1024, 16, {"anvil": [sample(100), sample(200), sample(300)], "other": [sample(50)] * 3})
    first, second = report.rows(cell)
    assert first[:4] == ("get 1 KiB", "16", "anvil", "200")
    assert second[3] == "50.0"
    assert second[-1] == "0.25"


def test_the_command_shown_has_no_secret_and_no_path() -> None:
    given = [
        "--stores",
        "6",
        "--output",
        "/x/y",
        "--target",
        "o=http://h:1,access_key=a,secret_key=s",
        "--directory=/z",
    ]
    assert command.shown_command(given) == "make bench ARGS='--stores 6 --target o=http://h:1,...'"


def test_a_bucket_is_filled_with_every_key_once(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "FILL_AT_ONCE", 7)
    received: list[bytes] = []
    with canned_server(received) as port:
        target = Target("canned", "127.0.0.1", port, Signer("key", "secret", "us-east-1"), "b")
        listing.fill(target, Driver(program, tmp_path), 23)
    assert len(received) == 23
    names = list(listing.key_names(23))
    assert len(set(names)) == 23
    assert {name.split("/")[0] for name in names} == set(listing.PREFIXES)
