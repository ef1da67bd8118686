"""Request documents: bytes -> a simple tree, within bounds. Pure.

Straight on expat: a DOCTYPE is refused where it begins, so no entity is ever declared or fetched. Namespaces are
dropped, because clients send the S3 one, an old one or none. Must not know: what any document means.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn
from xml.parsers import expat

from s3gateway.errors import S3Error

MAX_DEPTH = 16
"""The deepest S3 document (lifecycle, replication) has seven levels."""
MAX_ELEMENTS = 100_000
"""10,000 parts of a CompleteMultipartUpload with five children each, and room."""


class Element:
    """`text` is the character data directly inside, as sent; `name` and attribute names are without namespaces."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.text = ""
        self.children: list[Element] = []

    def child(self, name: str) -> Element | None:
        """The first child called `name`."""
        for element in self.children:
            if element.name == name:
                return element
        return None

    def all(self, name: str) -> Iterator[Element]:
        return (element for element in self.children if element.name == name)

    def text_of(self, name: str, default: str | None = None) -> str | None:
        """Text of the first child called `name`, stripped of white space around it; `default` if there is none."""
        element = self.child(name)
        return default if element is None else element.text.strip()

    def raw_text_of(self, name: str, default: str | None = None) -> str | None:
        """As `text_of`, but as sent: keys may begin or end with white space."""
        element = self.child(name)
        return default if element is None else element.text


class _TreeBuilder:
    __slots__ = ("count", "root", "stack", "texts")

    def __init__(self) -> None:
        self.root: Element | None = None
        self.stack: list[Element] = []
        self.texts: list[list[str]] = []
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MAX_ELEMENTS or len(self.stack) >= MAX_DEPTH:
            raise S3Error("MalformedXML")
        plain = {key.rpartition("}")[2]: value for key, value in attributes.items()} if attributes else {}
        element = Element(name.rpartition("}")[2], plain)
        if self.stack:
            self.stack[-1].children.append(element)
        else:
            self.root = element
        self.stack.append(element)
        self.texts.append([])

    def end(self, _name: str) -> None:
        self.stack.pop().text = "".join(self.texts.pop())

    def characters(self, data: str) -> None:
        if self.texts:
            self.texts[-1].append(data)


def _refuse(*_arguments: object) -> NoReturn:
    raise S3Error("MalformedXML")


def parse(data: bytes, root: str = "") -> Element:
    """The document's root. Raises MalformedXML for anything not well-formed, too deep, too many, with a DOCTYPE or
    entity, or whose root is not called `root` (where given). The caller bounds the size of `data`."""
    builder = _TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise S3Error("MalformedXML") from None
    if builder.root is None or (root and builder.root.name != root):
        raise S3Error("MalformedXML")
    return builder.root
