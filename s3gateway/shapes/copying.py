"""The result documents of CopyObject and UploadPartCopy. Pure."""

from __future__ import annotations

from datetime import datetime

from dataplane.contracts import Checksum
from s3gateway.headers import iso_date
from s3gateway.xml.writer import XmlWriter


def write_checksum(xml: XmlWriter, checksum: Checksum | None) -> None:
    """`<ChecksumCRC32>...</ChecksumCRC32>`, for the documents that name it so."""
    if checksum is not None:
        xml.text(f"Checksum{checksum.algorithm.name}", checksum.value)


def copy_document(root: str, etag: str, last_modified: datetime, checksum: Checksum | None, *, typed: bool) -> bytes:
    """`CopyObjectResult` (`typed`: it names the checksum's type) or `CopyPartResult`."""
    xml = XmlWriter(root)
    xml.text("LastModified", iso_date(last_modified))
    xml.text("ETag", f'"{etag}"')
    if checksum is not None and typed:
        xml.text("ChecksumType", checksum.type.value)
    write_checksum(xml, checksum)
    return xml.document()
