"""Documents of the object listings: V1, V2 and versions. Pure.

A page may hold 1,000 rows: the rows are built as strings, each from one template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dataplane.contracts import Checksum, ListedObject, ListedVersion, ObjectPage, VersionPage
from s3gateway.headers import iso_date, version_text
from s3gateway.percent import encode_path
from s3gateway.xml.writer import XmlWriter, escape

Encode = Callable[[str], str]

_XML_TEXT = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
"""What XML 1.0 can carry."""


@dataclass(frozen=True, slots=True)
class ListingRequest:
    """What every listing of a bucket is asked with."""

    bucket: str
    prefix: str
    delimiter: str
    limit: int
    url_encoded: bool

    @property
    def encode(self) -> Encode:
        """Keys and prefixes as the document spells them (before XML escaping)."""
        return encode_path if self.url_encoded else str


def _owner(name: str, element: str = "Owner") -> str:
    text = escape(name)
    return f"<{element}><ID>{text}</ID><DisplayName>{text}</DisplayName></{element}>"


def _checksum(checksum: Checksum | None) -> str:
    if checksum is None:
        return ""
    return (
        f"<ChecksumAlgorithm>{checksum.algorithm.name}</ChecksumAlgorithm>"
        f"<ChecksumType>{checksum.type.value}</ChecksumType>"
    )


def _contents(objects: Iterable[ListedObject], encode: Encode, *, with_owner: bool) -> str:
    return "".join(
        f"<Contents><Key>{escape(encode(item.key))}</Key><LastModified>{iso_date(item.last_modified)}</LastModified>"
        f"<ETag>&quot;{item.etag}&quot;</ETag>{_checksum(item.checksum)}<Size>{item.size}</Size>"
        f"{_owner(item.owner) if with_owner else ''}<StorageClass>{item.storage_class}</StorageClass></Contents>"
        for item in objects
    )


def write_prefixes(xml: XmlWriter, prefixes: Iterable[str], encode: Encode) -> None:
    for prefix in prefixes:
        xml.raw(f"<CommonPrefixes><Prefix>{escape(encode(prefix))}</Prefix></CommonPrefixes>")


def _write_frame(xml: XmlWriter, request: ListingRequest, *, truncated: bool) -> None:
    xml.text("MaxKeys", request.limit)
    if request.delimiter:
        xml.text("Delimiter", request.encode(request.delimiter))
    if request.url_encoded:
        xml.text("EncodingType", "url")
    xml.flag("IsTruncated", truncated)


def objects_document_v1(request: ListingRequest, page: ObjectPage, *, marker: str) -> bytes:
    """NextMarker comes only with a delimiter: without one the last key is the marker, as S3 has it.

    Version 1 shows the prefix as it was sent even where keys are encoded (SDKs do not decode it), unless XML cannot.
    """
    encode = request.encode
    xml = XmlWriter("ListBucketResult")
    xml.text("Name", request.bucket)
    xml.text("Prefix", request.prefix if _XML_TEXT.fullmatch(request.prefix) else encode(request.prefix))
    xml.text("Marker", encode(marker))
    if page.next_after is not None and request.delimiter:
        xml.text("NextMarker", encode(page.next_after))
    _write_frame(xml, request, truncated=page.next_after is not None)
    xml.raw(_contents(page.objects, encode, with_owner=True))
    write_prefixes(xml, page.prefixes, encode)
    return xml.document()


def objects_document_v2(
    request: ListingRequest,
    page: ObjectPage,
    *,
    start_after: str | None,
    token: str | None,
    next_token: str | None,
    with_owner: bool,
) -> bytes:
    encode = request.encode
    xml = XmlWriter("ListBucketResult")
    xml.text("Name", request.bucket)
    xml.text("Prefix", encode(request.prefix))
    xml.optional("StartAfter", None if start_after is None else encode(start_after))
    xml.optional("ContinuationToken", token)
    xml.optional("NextContinuationToken", next_token)
    xml.text("KeyCount", len(page.objects) + len(page.prefixes))
    _write_frame(xml, request, truncated=next_token is not None)
    xml.raw(_contents(page.objects, encode, with_owner=with_owner))
    write_prefixes(xml, page.prefixes, encode)
    return xml.document()


def _version(item: ListedVersion, encode: Encode) -> str:
    head = (
        f"<Key>{escape(encode(item.key))}</Key><VersionId>{version_text(item.version_id)}</VersionId>"
        f"<IsLatest>{'true' if item.is_current else 'false'}</IsLatest>"
        f"<LastModified>{iso_date(item.last_modified)}</LastModified>"
    )
    if item.delete_marker:
        return f"<DeleteMarker>{head}{_owner(item.owner)}</DeleteMarker>"
    return (
        f"<Version>{head}<ETag>&quot;{item.etag}&quot;</ETag>{_checksum(item.checksum)}<Size>{item.size}</Size>"
        f"<StorageClass>{item.storage_class}</StorageClass>{_owner(item.owner)}</Version>"
    )


def versions_document(
    request: ListingRequest, page: VersionPage, *, key_marker: str, version_id_marker: str | None
) -> bytes:
    """`ListVersionsResult`: versions and delete markers in one sequence, newest first within a key."""
    encode = request.encode
    xml = XmlWriter("ListVersionsResult")
    xml.text("Name", request.bucket)
    xml.text("Prefix", encode(request.prefix))
    xml.text("KeyMarker", encode(key_marker))
    xml.text("VersionIdMarker", version_id_marker or "")
    if page.next_key is not None:
        xml.text("NextKeyMarker", encode(page.next_key))
        if page.next_version_id is not None:
            xml.text("NextVersionIdMarker", version_text(page.next_version_id))
    _write_frame(xml, request, truncated=page.next_key is not None)
    xml.raw("".join(_version(item, encode) for item in page.versions))
    write_prefixes(xml, page.prefixes, encode)
    return xml.document()
