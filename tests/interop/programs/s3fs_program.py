"""s3fs (fsspec over aiobotocore): a bucket as a file system."""

from __future__ import annotations

from collections.abc import Iterator

import s3fs
from scenario import digest, expect, run

fs = s3fs.S3FileSystem(use_listings_cache=False)


def objects() -> None:
    fs.mkdir("s3fs-objects")
    with fs.open("s3fs-objects/a b/ä", "wb") as file:
        file.write(b"abcdefghijklmnopqrstuvwxyz")
    with fs.open("s3fs-objects/parts", "wb", block_size=5 << 20) as file:
        for number in range(12):
            file.write(bytes([number]) * (1 << 20))
    expect(fs.cat("s3fs-objects/a b/ä"), b"abcdefghijklmnopqrstuvwxyz", "whole read")
    expect(fs.cat_file("s3fs-objects/a b/ä", start=3, end=7), b"defg", "range")
    with fs.open("s3fs-objects/parts", "rb") as file:
        file.seek((5 << 20) - 2)
        expect(file.read(4), b"\4\4\5\5", "read over the border of two parts")
    with fs.open("s3fs-objects/parts", "ab") as file:
        file.write(b"end")
    expect(fs.tail("s3fs-objects/parts", 4), b"\x0bend", "appended")
    expect(sorted(fs.find("s3fs-objects")), ["s3fs-objects/a b/ä", "s3fs-objects/parts"], "find")
    expect(
        [item["name"] for item in fs.ls("s3fs-objects", detail=True)], ["s3fs-objects/a b", "s3fs-objects/parts"], "ls"
    )
    fs.mv("s3fs-objects/parts", "s3fs-objects/moved")
    expect(fs.exists("s3fs-objects/parts"), False, "moved away")
    fs.touch("s3fs-objects/new")
    expect(fs.info("s3fs-objects/new")["size"], 0, "an empty file")
    expect(fs.glob("s3fs-objects/*"), ["s3fs-objects/a b", "s3fs-objects/moved", "s3fs-objects/new"], "glob")
    fs.rm("s3fs-objects", recursive=True)
    expect(fs.exists("s3fs-objects"), False, "the bucket is gone")


def pieces(path: str) -> Iterator[bytes]:
    with fs.open(path, "rb", block_size=32 << 20, cache_type="readahead") as file:
        while piece := file.read(32 << 20):
            yield piece


def copy(source: str, sha256: str) -> None:
    fs.mkdir("s3fs-copy")
    fs.copy(source, "s3fs-copy/copy", managed_copy_threshold=64 << 20)
    expect(fs.info("s3fs-copy/copy")["size"], 1 << 30, "size of the copy")
    expect("-" in fs.info("s3fs-copy/copy")["ETag"], True, "copied in parts")
    expect(digest(pieces("s3fs-copy/copy")), sha256, "bytes of the copy")
    fs.rm("s3fs-copy", recursive=True)


def tree(folder: str, back: str) -> None:
    fs.mkdir("s3fs-tree")
    fs.put(f"{folder}/", "s3fs-tree/in/", recursive=True)
    fs.get("s3fs-tree/in/", f"{back}/", recursive=True)
    fs.rm("s3fs-tree", recursive=True)
    expect(fs.exists("s3fs-tree"), False, "the bucket is gone")


run(objects=objects, copy=copy, tree=tree)
