"""pyarrow (the AWS SDK for C++): file systems, Parquet by ranges, uploads in parts, copies of trees."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs
from scenario import digest, expect, run

s3 = fs.S3FileSystem(
    endpoint_override=os.environ["AWS_ENDPOINT_URL"],
    region=os.environ["AWS_REGION"],
    allow_bucket_creation=True,
    allow_bucket_deletion=True,
)


def objects() -> None:
    s3.create_dir("pyarrow-objects")
    with s3.open_output_stream("pyarrow-objects/a b/ä", metadata={"Content-Type": "text/plain"}) as stream:
        stream.write(b"abcdefghijklmnopqrstuvwxyz")
    with s3.open_input_file("pyarrow-objects/a b/ä") as file:
        expect(file.size(), 26, "size")
        expect(file.read_at(4, 3), b"defg", "range")
        expect(file.metadata()["Content-Type"], b"text/plain", "content type")
    table = pa.table({"number": range(200_000), "text": [f"row {number}" for number in range(200_000)]})
    pq.write_table(table, "pyarrow-objects/table.parquet", filesystem=s3, row_group_size=10_000)
    read = pq.read_table("pyarrow-objects/table.parquet", filesystem=s3, filters=[("number", ">=", 199_990)])
    expect(read["number"].to_pylist(), list(range(199_990, 200_000)), "Parquet by ranges")
    found = s3.get_file_info(fs.FileSelector("pyarrow-objects", recursive=True))
    files = sorted(info.path for info in found if info.type == fs.FileType.File)
    expect(files, ["pyarrow-objects/a b/ä", "pyarrow-objects/table.parquet"], "listing")
    s3.move("pyarrow-objects/table.parquet", "pyarrow-objects/moved.parquet")
    expect(s3.get_file_info("pyarrow-objects/table.parquet").type, fs.FileType.NotFound, "moved away")
    s3.delete_dir_contents("pyarrow-objects")
    s3.delete_dir("pyarrow-objects")
    expect(s3.get_file_info("pyarrow-objects").type, fs.FileType.NotFound, "the bucket is gone")


def pieces(path: str) -> Iterator[bytes]:
    with s3.open_input_stream(path) as stream:
        while piece := stream.read(16 << 20):
            yield piece


def copy(source: str, sha256: str) -> None:
    """The SDK copies whole objects only, so the parts are its upload's: down and up again in 1 GiB, then a copy."""
    s3.create_dir("pyarrow-copy")
    with s3.open_output_stream("pyarrow-copy/parts") as stream:
        for piece in pieces(source):
            stream.write(piece)
    s3.copy_file("pyarrow-copy/parts", "pyarrow-copy/copy")
    expect(s3.get_file_info("pyarrow-copy/copy").size, 1 << 30, "size of the copy")
    expect(digest(pieces("pyarrow-copy/copy")), sha256, "bytes of the copy")
    s3.delete_dir("pyarrow-copy")


def tree(folder: str, back: str) -> None:
    local = fs.LocalFileSystem()
    s3.create_dir("pyarrow-tree")
    fs.copy_files(folder, "pyarrow-tree/in", source_filesystem=local, destination_filesystem=s3)
    local.create_dir(back)
    fs.copy_files("pyarrow-tree/in", back, source_filesystem=s3, destination_filesystem=local)
    s3.delete_dir("pyarrow-tree")


run(objects=objects, copy=copy, tree=tree)
fs.finalize_s3()
