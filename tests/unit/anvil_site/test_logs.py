"""Log lines: one JSON object each, with ids, without secrets, never blocking."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from anvil_site import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    root.handlers = []
    stream = io.StringIO()
    logs.configure("info", process="worker-1", stream=stream)
    try:
        yield stream
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers, root.level = before[0], before[1]
        logging.captureWarnings(capture=False)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    for handler in logging.getLogger().handlers:
        handler.close()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_fields_and_request(stream: io.StringIO) -> None:
    token = logs.request_id.set("ABCDEF0123456789")
    try:
        logging.getLogger("dataplane.shards").warning("shard %s missing\nhere", 3, extra={"store": 7, "name_": "ü"})
    finally:
        logs.request_id.reset(token)
    (line,) = lines(stream)
    assert line["message"] == "shard 3 missing\nhere"
    assert line["level"] == "warning"
    assert line["logger"] == "dataplane.shards"
    assert line["process"] == "worker-1"
    assert line["request_id"] == "ABCDEF0123456789"
    assert line["store"] == 7
    assert line["timestamp"].endswith("Z")


def test_an_exception_is_part_of_its_line(stream: io.StringIO) -> None:
    try:
        raise ValueError("postgresql://anvil:hunter2@db/anvil is down")
    except ValueError:
        logging.getLogger("x").exception("failed")
    (line,) = lines(stream)
    assert "ValueError" in line["exception"]
    assert "hunter2" not in line["exception"]


@pytest.mark.parametrize(
    ("fields", "secret"),
    [
        ({"client_secret": "s3cr3tvalue"}, "s3cr3tvalue"),
        ({"headers": {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIA/x"}}, "AKIA/x"),
        ({"url": "/b/k?X-Amz-Signature=0123abcd&x=1"}, "0123abcd"),
        ({"url": "/b/k?AWSAccessKeyId=A&Signature=vjbyPxyb%3D&Expires=1"}, "vjbyPxyb"),
        ({"header": "Bearer eyJhbGciOi.abc.def"}, "eyJhbGciOi"),
        ({"password": "hunter2"}, "hunter2"),
        ({"body": b"raw secret bytes"}, "raw"),
        ({"all": [{"token": "abcdefgh"}]}, "abcdefgh"),
    ],
)
def test_secrets_do_not_reach_a_line(stream: io.StringIO, fields: dict[str, Any], secret: str) -> None:
    logging.getLogger("x").info("event", extra=fields)
    (line,) = lines(stream)
    assert secret not in json.dumps(line)


def test_the_level_decides_and_can_change(stream: io.StringIO) -> None:
    logging.getLogger("x").debug("unseen")
    logs.set_level("debug")
    logging.getLogger("x").debug("seen")
    assert [line["message"] for line in lines(stream)] == ["seen"]


def test_a_reader_that_stalls_blocks_nobody_and_lines_are_counted() -> None:
    released = threading.Event()

    class Stalled(io.StringIO):
        def write(self, text: str) -> int:
            released.wait(10)
            return super().write(text)

    stream = Stalled()
    handler = logs.BoundedStream(stream, limit_lines=2)
    for number in range(10):
        handler.emit(logging.LogRecord("x", logging.INFO, "f", 1, str(number), None, None))
    assert handler.dropped_lines >= 7
    released.set()
    handler.close()
    assert stream.getvalue().splitlines()[0] == "0"
