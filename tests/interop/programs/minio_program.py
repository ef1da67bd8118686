"""minio-py: asks for the bucket's location first, uploads of unknown length, composes objects on the server."""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from minio import Minio
from minio.commonconfig import ComposeSource, CopySource
from minio.deleteobjects import DeleteObject
from scenario import digest, expect, run

client = Minio(
    endpoint=os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"),
    access_key=os.environ["AWS_ACCESS_KEY_ID"],
    secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    secure=False,
)
PART = 64 << 20


def names_in(bucket: str, **options: object) -> list[str]:
    return [item.object_name for item in client.list_objects(bucket_name=bucket, **options)]


def empty_and_delete(bucket: str) -> None:
    doomed = [DeleteObject(name) for name in names_in(bucket, recursive=True)]
    expect(list(client.remove_objects(bucket_name=bucket, delete_object_list=doomed)), [], "errors of deleting many")
    client.remove_bucket(bucket_name=bucket)


def read(bucket: str, name: str, **options: int) -> bytes:
    reply = client.get_object(bucket_name=bucket, object_name=name, **options)
    try:
        return reply.read()
    finally:
        reply.close()
        reply.release_conn()


def objects() -> None:
    bucket = "minio-objects"
    client.make_bucket(bucket_name=bucket)
    expect(client.bucket_exists(bucket_name=bucket), True, "the bucket exists")
    letters = b"abcdefghijklmnopqrstuvwxyz"
    client.put_object(
        bucket_name=bucket, object_name="a b/ä", data=io.BytesIO(letters), length=26, metadata={"colour": "blue"}
    )
    expect(read(bucket, "a b/ä"), letters, "whole read")
    expect(read(bucket, "a b/ä", offset=3, length=4), b"defg", "range")
    stat = client.stat_object(bucket_name=bucket, object_name="a b/ä")
    expect((stat.size, stat.metadata["x-amz-meta-colour"]), (26, "blue"), "stat")
    unknown = bytes(range(256)) * (12 << 12)
    client.put_object(bucket_name=bucket, object_name="stream", data=io.BytesIO(unknown), length=-1, part_size=5 << 20)
    expect(read(bucket, "stream"), unknown, "a stream of unknown length")
    client.copy_object(
        bucket_name=bucket, object_name="copy", source=CopySource(bucket_name=bucket, object_name="a b/ä")
    )
    expect(read(bucket, "copy"), letters, "copy")
    expect(sorted(names_in(bucket)), ["a b/", "copy", "stream"], "top level")
    expect(names_in(bucket, recursive=True), ["a b/ä", "copy", "stream"], "recursive")
    empty_and_delete(bucket)
    expect(client.bucket_exists(bucket_name=bucket), False, "the bucket is gone")


def copy(source: str, sha256: str) -> None:
    bucket, _, name = source.partition("/")
    client.make_bucket(bucket_name="minio-copy")
    size = client.stat_object(bucket_name=bucket, object_name=name).size
    ranges = [
        ComposeSource(bucket_name=bucket, object_name=name, offset=start, length=min(PART, size - start))
        for start in range(0, size, PART)
    ]
    client.compose_object(bucket_name="minio-copy", object_name="copy", sources=ranges)
    reply = client.get_object(bucket_name="minio-copy", object_name="copy")
    expect(digest(reply.stream(1 << 20)), sha256, "bytes of the copy")
    reply.close()
    empty_and_delete("minio-copy")


def tree(folder: str, back: str) -> None:
    root, target = Path(folder), Path(back)
    names = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*")) if path.is_file()]
    client.make_bucket(bucket_name="minio-tree")

    def send(name: str) -> None:
        client.fput_object(bucket_name="minio-tree", object_name=name, file_path=str(root / name))

    def fetch(name: str) -> None:
        client.fget_object(bucket_name="minio-tree", object_name=name, file_path=str(target / name))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, names))
        list(pool.map(fetch, names))
    expect(names_in("minio-tree", recursive=True), sorted(names, key=str.encode), "the listing is in byte order")
    empty_and_delete("minio-tree")


run(objects=objects, copy=copy, tree=tree)
