"""Tags: the `Tagging` document and the x-amz-tagging header, both ways. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from s3gateway.errors import S3Error
from s3gateway.request import parse_query
from s3gateway.xml.reader import Element
from s3gateway.xml.writer import XmlWriter

MAX_OBJECT_TAGS: Final = 10
MAX_KEY_CHARACTERS: Final = 128
MAX_VALUE_CHARACTERS: Final = 256
_PUNCTUATION: Final = frozenset("_.:/=+-@")
_MAX_HEADER_TAGS: Final = 64
"""Pairs looked at in a header before it is called malformed; ten are allowed."""


def checked_tags(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Raises `InvalidTag` where S3's rules for object tags are broken."""
    tags: dict[str, str] = {}
    for key, value in pairs:
        if not key or len(key) > MAX_KEY_CHARACTERS or not _allowed(key) or key.lower().startswith("aws:"):
            raise S3Error("InvalidTag", "The TagKey you have provided is invalid", fields={"TagKey": key})
        if len(value) > MAX_VALUE_CHARACTERS or not _allowed(value):
            raise S3Error(
                "InvalidTag", "The TagValue you have provided is invalid", fields={"TagKey": key, "TagValue": value}
            )
        if key in tags:
            raise S3Error("InvalidTag", "Cannot provide multiple Tags with the same key", fields={"TagKey": key})
        tags[key] = value
    if len(tags) > MAX_OBJECT_TAGS:
        raise S3Error("InvalidTag", f"Object tags cannot be greater than {MAX_OBJECT_TAGS}")
    return tags


def _allowed(text: str) -> bool:
    return all(
        character.isalnum() or character in _PUNCTUATION or unicodedata.category(character)[0] in "LZN"
        for character in text
    )


def parse_tag_header(value: bytes) -> dict[str, str]:
    """`a=1&b=2`, percent-encoded as a query."""
    try:
        query = parse_query(value.strip(), _MAX_HEADER_TAGS)
    except S3Error:
        raise S3Error(
            "InvalidArgument",
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag "
            "name duplicates.",
            fields={"ArgumentName": "x-amz-tagging", "ArgumentValue": value.decode("latin-1")},
        ) from None
    return checked_tags(query.pairs)


def parse_tagging(root: Element) -> dict[str, str]:
    """A `Tagging` document."""
    tag_set = root.child("TagSet")
    if root.name != "Tagging" or tag_set is None:
        raise S3Error("MalformedXML")
    pairs = []
    for tag in tag_set.children:
        key, value = tag.raw_text_of("Key"), tag.raw_text_of("Value")
        if tag.name != "Tag" or key is None or value is None:
            raise S3Error("MalformedXML")
        pairs.append((key, value))
    return checked_tags(pairs)


def tagging_document(tags: Mapping[str, str]) -> bytes:
    xml = XmlWriter("Tagging")
    xml.open("TagSet")
    for key, value in sorted(tags.items()):
        xml.open("Tag")
        xml.text("Key", key)
        xml.text("Value", value)
        xml.close("Tag")
    xml.close("TagSet")
    return xml.document()
