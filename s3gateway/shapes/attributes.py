"""The `GetObjectAttributesResponse` document and the header that says what belongs in it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dataplane.contracts import ObjectVersion, PartRecord
from s3gateway.errors import S3Error, invalid_argument
from s3gateway.shapes.copying import write_checksum
from s3gateway.xml.writer import XmlWriter

ATTRIBUTES: Final = frozenset(("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"))


@dataclass(frozen=True, slots=True)
class PartWindow:
    """Which parts to show: those numbered above `after`, at most `limit`."""

    after: int
    limit: int


def parse_attribute_names(header: str | None) -> frozenset[str]:
    """x-amz-object-attributes: a comma-separated list."""
    names = frozenset(name.strip() for name in (header or "").split(",") if name.strip())
    if not names:
        raise S3Error(
            "InvalidRequest",
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
        )
    unknown = sorted(names - ATTRIBUTES)
    if unknown:
        raise invalid_argument("x-amz-object-attributes", unknown[0], "Invalid attribute name specified.")
    return names


def attributes_document(version: ObjectVersion, wanted: frozenset[str], window: PartWindow) -> bytes:
    xml = XmlWriter("GetObjectAttributesResponse")
    if "ETag" in wanted:
        xml.text("ETag", version.etag)
    if "Checksum" in wanted and version.checksum is not None:
        xml.open("Checksum")
        write_checksum(xml, version.checksum)
        xml.text("ChecksumType", version.checksum.type.value)
        xml.close("Checksum")
    if "ObjectParts" in wanted and version.part_count:
        _write_parts(xml, version.parts, version.part_count, window)
    if "StorageClass" in wanted:
        xml.text("StorageClass", version.storage_class)
    if "ObjectSize" in wanted:
        xml.text("ObjectSize", version.size)
    return xml.document()


def _write_parts(xml: XmlWriter, parts: Sequence[PartRecord], count: int, window: PartWindow) -> None:
    """Parts are counted from 1 in the finished object, whatever numbers they were uploaded with."""
    shown = parts[window.after : window.after + window.limit]
    last = window.after + len(shown)
    xml.open("ObjectParts")
    xml.text("PartsCount", count)
    xml.text("PartNumberMarker", window.after)
    xml.text("NextPartNumberMarker", last)
    xml.text("MaxParts", window.limit)
    xml.flag("IsTruncated", last < len(parts))
    for number, part in enumerate(shown, start=window.after + 1):
        xml.open("Part")
        xml.text("PartNumber", number)
        xml.text("Size", part.size)
        write_checksum(xml, part.checksum)
        xml.close("Part")
    xml.close("ObjectParts")
