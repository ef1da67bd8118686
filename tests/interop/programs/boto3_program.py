"""boto3: the reference SDK with its default settings (CRC trailers, transfers in parts, retries off)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from scenario import digest, expect, run

s3 = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}, max_pool_connections=16))
PARTS = TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=64 << 20)


def empty_and_delete(bucket: str) -> None:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": item["Key"]} for item in page.get("Contents", ())]
        if keys:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})
            expect(len(answer["Deleted"]), len(keys), "keys deleted in one call")
    s3.delete_bucket(Bucket=bucket)


def objects() -> None:
    bucket = "boto3-objects"
    s3.create_bucket(Bucket=bucket)
    letters = b"abcdefghijklmnopqrstuvwxyz"
    put = s3.put_object(
        Bucket=bucket, Key="a b/ä+1", Body=letters, ContentType="text/plain", Metadata={"colour": "blue"}
    )
    expect(put["ETag"], '"c3fcd3d76192e4007dfb496cca67e13b"', "the ETag is the MD5")
    got = s3.get_object(Bucket=bucket, Key="a b/ä+1", ChecksumMode="ENABLED")
    expect(got["Body"].read(), letters, "whole read")
    expect((got["ContentType"], got["Metadata"]), ("text/plain", {"colour": "blue"}), "headers")
    for wanted, header in ((b"defg", "bytes=3-6"), (b"xyz", "bytes=-3"), (b"z", "bytes=25-"), (b"yz", "bytes=24-99")):
        got = s3.get_object(Bucket=bucket, Key="a b/ä+1", Range=header)
        expect((got["Body"].read(), got["ResponseMetadata"]["HTTPStatusCode"]), (wanted, 206), header)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b/ä+1"})
    expect(s3.get_object(Bucket=bucket, Key="copy")["Body"].read(), letters, "copy")
    for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"):
        s3.put_object(Bucket=bucket, Key=f"sum/{algorithm}", Body=letters, ChecksumAlgorithm=algorithm)
        head = s3.head_object(Bucket=bucket, Key=f"sum/{algorithm}", ChecksumMode="ENABLED")
        expect(f"Checksum{algorithm}" in head, True, f"HEAD shows {algorithm}")
    listed = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    expect([item["Key"] for item in listed["Contents"]], ["copy"], "keys at the top")
    expect([item["Prefix"] for item in listed["CommonPrefixes"]], ["a b/", "sum/"], "prefixes at the top")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
    expect(sum(len(page["Contents"]) for page in pages), 7, "keys over pages")
    try:
        s3.put_object(Bucket=bucket, Key="copy", Body=b"", IfNoneMatch="*")
    except ClientError as refusal:
        expect(refusal.response["Error"]["Code"], "PreconditionFailed", "If-None-Match")
    else:
        expect("replaced", "refused", "If-None-Match")
    try:
        s3.get_object(Bucket=bucket, Key="missing")
    except s3.exceptions.NoSuchKey:
        pass
    else:
        expect("found", "NoSuchKey", "a missing key")
    empty_and_delete(bucket)
    expect(bucket in {item["Name"] for item in s3.list_buckets()["Buckets"]}, False, "the bucket is gone")


def copy(source: str, sha256: str) -> None:
    source_bucket, _, source_key = source.partition("/")
    s3.create_bucket(Bucket="boto3-copy")
    s3.copy({"Bucket": source_bucket, "Key": source_key}, "boto3-copy", "copy", Config=PARTS)
    head = s3.head_object(Bucket="boto3-copy", Key="copy")
    expect(head["ETag"].strip('"').endswith("-16"), True, f"copied in 16 parts, ETag {head['ETag']}")
    body = s3.get_object(Bucket="boto3-copy", Key="copy")["Body"]
    expect(digest(body.iter_chunks(1 << 20)), sha256, "bytes of the copy")
    empty_and_delete("boto3-copy")


def tree(folder: str, back: str) -> None:
    root, target = Path(folder), Path(back)
    names = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*")) if path.is_file()]
    s3.create_bucket(Bucket="boto3-tree")

    def fetch(name: str) -> None:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        s3.download_file("boto3-tree", name, str(target / name))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: s3.upload_file(str(root / name), "boto3-tree", name), names))
        list(pool.map(fetch, names))
    pages = s3.get_paginator("list_objects").paginate(Bucket="boto3-tree")
    listed = [item["Key"] for page in pages for item in page["Contents"]]
    expect(listed, sorted(names, key=str.encode), "the listing is in byte order")
    empty_and_delete("boto3-tree")


run(objects=objects, copy=copy, tree=tree)
