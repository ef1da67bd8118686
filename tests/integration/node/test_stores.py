"""A node of six stores that loses two of them, running and at its next start."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.integration.node.conftest import Node, StartNode, wait_until

pytestmark = pytest.mark.slow

SIZES = (0, 1, 65536, 65537, (1 << 20) - 1, (1 << 20) + 1, 9 << 20)


def same(s3: Any, bodies: dict[str, bytes]) -> bool:
    return all(s3.get_object(Bucket="spread", Key=key)["Body"].read() == body for key, body in bodies.items())


def put(s3: Any, name: str) -> dict[str, bytes]:
    bodies = {f"{name}{size}": os.urandom(size) for size in SIZES}
    for key, body in bodies.items():
        s3.put_object(Bucket="spread", Key=key, Body=body)
    return bodies


def detail_of_storage(node: Node) -> str:
    status, body = node.get("/ready")
    assert status == 200
    return str(json.loads(body)["checks"]["storage"]["detail"])


def test_two_lost_stores_lose_nothing_and_are_not_made_anew(start_node: StartNode, tmp_path: Path) -> None:
    paths = [tmp_path / f"d{number}" for number in range(1, 7)]
    environ = {"STORAGE_PATH": ",".join(map(str, paths))}
    node = start_node("d1", environ)
    node.wait_ready()
    assert node.description["redundancy"] == "4+2"
    assert len(node.description["stores"]) == 6
    s3 = node.s3()
    s3.create_bucket(Bucket="spread")
    bodies = put(s3, "before")
    shutil.rmtree(paths[2])
    shutil.rmtree(paths[4])
    assert same(s3, bodies)
    wait_until(lambda: "4 of 6 stores writable" in detail_of_storage(node), "the loss is told")
    bodies |= put(s3, "after")
    assert same(s3, bodies)
    assert node.stop() == 0

    paths[2].mkdir()  # the empty mount point of a drive that is gone
    again = start_node("d1", environ)
    again.wait_ready()
    assert same(again.s3(), bodies)
    assert list(paths[2].iterdir()) == []
    lost = [line for line in again.log_lines() if line["message"] == "A store cannot be used"]
    assert sorted(line["path"] for line in lost) == [str(paths[2]), str(paths[4])]
    assert same(again.s3(), put(again.s3(), "later"))
