"""Documents of multipart uploads, both ways. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from dataplane.contracts import (
    Checksum,
    ChecksumAlgorithm,
    ChecksumType,
    CompletedPart,
    PartPage,
    UploadPage,
    UploadRecord,
)
from s3gateway.body.checksums import is_checksum_value
from s3gateway.errors import S3Error, invalid_argument
from s3gateway.headers import iso_date
from s3gateway.percent import encode_path
from s3gateway.shapes.buckets import write_owner
from s3gateway.shapes.copying import write_checksum
from s3gateway.shapes.listing import ListingRequest, write_prefixes
from s3gateway.xml.reader import Element
from s3gateway.xml.writer import XmlWriter

MAX_PART_NUMBER: Final = 10_000
_CHECKSUM_ELEMENTS: Final = {f"Checksum{algorithm.name}": algorithm for algorithm in ChecksumAlgorithm}


def upload_started_document(bucket: str, upload: UploadRecord) -> bytes:
    xml = XmlWriter("InitiateMultipartUploadResult")
    xml.text("Bucket", bucket)
    xml.text("Key", upload.key)
    xml.text("UploadId", upload.upload_id)
    return xml.document()


def parse_complete(root: Element) -> tuple[CompletedPart, ...]:
    """The parts of a `CompleteMultipartUpload`, in the order given, which must ascend.

    Raises `MalformedXML`, `InvalidArgument` (number, checksum), `InvalidPartOrder`.
    """
    if root.name != "CompleteMultipartUpload":
        raise S3Error("MalformedXML")
    parts = tuple(_completed_part(element) for element in root.all("Part"))
    if not parts or len(parts) > MAX_PART_NUMBER:
        raise S3Error("MalformedXML")
    if any(after.number <= before.number for before, after in pairwise(parts)):
        raise S3Error("InvalidPartOrder")
    return parts


def _completed_part(element: Element) -> CompletedPart:
    number_text, etag = element.text_of("PartNumber"), element.text_of("ETag")
    if number_text is None or etag is None:
        raise S3Error("MalformedXML")
    if not (number_text.isascii() and number_text.isdecimal() and len(number_text) <= 9):
        raise S3Error("MalformedXML")
    number = int(number_text)
    if not 1 <= number <= MAX_PART_NUMBER:
        raise invalid_argument("PartNumber", number_text, "PartNumber must be >= 1 and <= 10000")
    return CompletedPart(number, etag.strip('"'), _part_checksum(element))


def _part_checksum(element: Element) -> Checksum | None:
    found: Checksum | None = None
    for child in element.children:
        algorithm = _CHECKSUM_ELEMENTS.get(child.name)
        if algorithm is None:
            continue
        value = child.text.strip()
        if found is not None or not is_checksum_value(algorithm, value):
            raise invalid_argument(child.name, value, "Checksum part is invalid")
        found = Checksum(algorithm, value)
    return found


def upload_completed_document(location: str, bucket: str, key: str, etag: str, checksum: Checksum | None) -> bytes:
    xml = XmlWriter("CompleteMultipartUploadResult")
    xml.text("Location", location)
    xml.text("Bucket", bucket)
    xml.text("Key", key)
    xml.text("ETag", f'"{etag}"')
    write_checksum(xml, checksum)
    if checksum is not None:
        xml.text("ChecksumType", checksum.type.value)
    return xml.document()


def object_location(scheme: str, host: str, bucket: str, key: str, *, virtual_host: bool) -> str:
    path = encode_path(key) if virtual_host else f"{bucket}/{encode_path(key)}"
    return f"{scheme}://{host}/{path}"


def _write_checksum_kind(xml: XmlWriter, algorithm: ChecksumAlgorithm | None, kind: ChecksumType | None) -> None:
    if algorithm is not None:
        xml.text("ChecksumAlgorithm", algorithm.name)
    if kind is not None:
        xml.text("ChecksumType", kind.value)


def parts_document(bucket: str, upload: UploadRecord, page: PartPage, *, after: int, limit: int) -> bytes:
    xml = XmlWriter("ListPartsResult")
    xml.text("Bucket", bucket)
    xml.text("Key", upload.key)
    xml.text("UploadId", upload.upload_id)
    write_owner(xml, upload.attributes.owner, "Initiator")
    write_owner(xml, upload.attributes.owner)
    xml.text("StorageClass", upload.attributes.storage_class)
    xml.text("PartNumberMarker", after)
    xml.text("NextPartNumberMarker", page.parts[-1].number if page.parts else 0)
    xml.text("MaxParts", limit)
    xml.flag("IsTruncated", page.next_number is not None)
    _write_checksum_kind(xml, upload.checksum_algorithm, upload.checksum_type)
    for part in page.parts:
        xml.open("Part")
        xml.text("PartNumber", part.number)
        if part.last_modified is not None:
            xml.text("LastModified", iso_date(part.last_modified))
        xml.text("ETag", f'"{part.etag}"')
        xml.text("Size", part.size)
        write_checksum(xml, part.checksum)
        xml.close("Part")
    return xml.document()


@dataclass(frozen=True, slots=True)
class UploadMarkers:
    key: str
    upload_id: str


def uploads_document(request: ListingRequest, page: UploadPage, markers: UploadMarkers) -> bytes:
    encode = request.encode
    xml = XmlWriter("ListMultipartUploadsResult")
    xml.text("Bucket", request.bucket)
    xml.text("KeyMarker", encode(markers.key))
    xml.text("UploadIdMarker", markers.upload_id)
    xml.text("NextKeyMarker", "" if page.next_key is None else encode(page.next_key))
    xml.text("NextUploadIdMarker", page.next_upload_id or "")
    if request.delimiter:
        xml.text("Delimiter", encode(request.delimiter))
    xml.text("Prefix", encode(request.prefix))
    if request.url_encoded:
        xml.text("EncodingType", "url")
    xml.text("MaxUploads", request.limit)
    xml.flag("IsTruncated", page.next_key is not None)
    for upload in page.uploads:
        xml.open("Upload")
        xml.text("Key", encode(upload.key))
        xml.text("UploadId", upload.upload_id)
        write_owner(xml, upload.attributes.owner, "Initiator")
        write_owner(xml, upload.attributes.owner)
        xml.text("StorageClass", upload.attributes.storage_class)
        xml.text("Initiated", iso_date(upload.initiated_at))
        _write_checksum_kind(xml, upload.checksum_algorithm, upload.checksum_type)
        xml.close("Upload")
    write_prefixes(xml, page.prefixes, encode)
    return xml.document()
