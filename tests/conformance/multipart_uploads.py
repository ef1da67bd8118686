"""What the multipart tests share: an upload, its parts, its completion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PART_BYTES = 5 << 20


@dataclass
class Upload:
    """An upload in progress, through boto3; `parts` collects what CompleteMultipartUpload must name."""

    s3: Any
    bucket: str
    key: str
    id: str
    algorithm: str = ""
    parts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.key, "UploadId": self.id}

    def part(self, number: int, body: bytes) -> Any:
        more = {"ChecksumAlgorithm": self.algorithm} if self.algorithm else {}
        reply = self.s3.upload_part(**self.address, PartNumber=number, Body=body, **more)
        named = {"PartNumber": number, "ETag": reply["ETag"]}
        if self.algorithm:
            named[f"Checksum{self.algorithm}"] = reply[f"Checksum{self.algorithm}"]
        self.parts = [part for part in self.parts if part["PartNumber"] != number] + [named]
        return reply

    def complete(self, **arguments: Any) -> Any:
        parts = sorted(self.parts, key=lambda part: part["PartNumber"])
        return self.s3.complete_multipart_upload(**self.address, MultipartUpload={"Parts": parts}, **arguments)


def start(s3: Any, bucket: str, key: str = "key", algorithm: str = "", **arguments: Any) -> Upload:
    if algorithm:
        arguments["ChecksumAlgorithm"] = algorithm
    reply = s3.create_multipart_upload(Bucket=bucket, Key=key, **arguments)
    return Upload(s3, bucket, key, reply["UploadId"], algorithm)
