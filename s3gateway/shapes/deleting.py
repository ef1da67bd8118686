"""The `Delete` document of DeleteObjects and its `DeleteResult`. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from dataplane.contracts import NO_CONDITIONS, Deleted, DeleteItem, WriteConditions
from s3gateway.errors import S3Error
from s3gateway.headers import parse_version_id, version_text
from s3gateway.preconditions import parse_condition_date, parse_condition_size, parse_one_etag
from s3gateway.xml.reader import Element
from s3gateway.xml.writer import XmlWriter

MAX_DELETES: Final = 1000


class DeleteRequest(NamedTuple):
    items: tuple[DeleteItem, ...]
    quiet: bool


def parse_delete(root: Element) -> DeleteRequest:
    """Raises `MalformedXML` for no objects, more than 1,000, an object without key, or an unknown boolean."""
    if root.name != "Delete":
        raise S3Error("MalformedXML")
    objects = list(root.all("Object"))
    if not objects or len(objects) > MAX_DELETES:
        raise S3Error("MalformedXML")
    quiet = (root.text_of("Quiet", "false") or "false").lower()
    if quiet not in ("true", "false"):
        raise S3Error("MalformedXML")
    return DeleteRequest(tuple(_item(element) for element in objects), quiet == "true")


def _item(element: Element) -> DeleteItem:
    key = element.raw_text_of("Key")
    if not key:
        raise S3Error("MalformedXML")
    version = element.text_of("VersionId")
    return DeleteItem(key, parse_version_id(version) if version else None, _conditions(element))


def _conditions(element: Element) -> WriteConditions:
    etag, modified, size = element.text_of("ETag"), element.text_of("LastModifiedTime"), element.text_of("Size")
    if etag is None and modified is None and size is None:
        return NO_CONDITIONS
    return WriteConditions(
        if_match=None if etag is None else parse_one_etag(etag),
        if_match_last_modified=None if modified is None else parse_condition_date(modified),
        if_match_size=None if size is None else parse_condition_size(size),
    )


class DeleteResultWriter:
    """Collects outcomes in the order asked for."""

    def __init__(self, *, quiet: bool) -> None:
        self._xml = XmlWriter("DeleteResult")
        self._quiet = quiet

    def deleted(self, item: DeleteItem, outcome: Deleted) -> None:
        if self._quiet:
            return
        xml = self._xml
        xml.open("Deleted")
        xml.text("Key", item.key)
        if item.version_id is not None:
            xml.text("VersionId", version_text(item.version_id))
        if outcome.delete_marker:
            xml.flag("DeleteMarker", True)
            if outcome.version_id is not None:
                xml.text("DeleteMarkerVersionId", version_text(outcome.version_id))
        xml.close("Deleted")

    def failed(self, item: DeleteItem, code: str, message: str) -> None:
        xml = self._xml
        xml.open("Error")
        xml.text("Key", item.key)
        if item.version_id is not None:
            xml.text("VersionId", version_text(item.version_id))
        xml.text("Code", code)
        xml.text("Message", message)
        xml.close("Error")

    def document(self) -> bytes:
        return self._xml.document()
