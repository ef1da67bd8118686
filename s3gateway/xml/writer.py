"""Reply documents: fast string building with escaping. Pure.

    xml = XmlWriter("ListBucketResult")
    xml.text("Name", bucket)
    xml.open("Contents"); xml.text("Key", key); xml.close("Contents")
    return xml_response(xml.document())

Characters that XML 1.0 cannot carry are written as references (`&#x1;`), as AWS does; handlers of listings offer
`encoding-type=url` for them. Must not know: any shape.
"""

from __future__ import annotations

import re

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

_SPECIAL = re.compile('[&<>"\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ud800-\udfff]')
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def _reference(match: re.Match[str]) -> str:
    character = match.group()
    return _NAMED.get(character) or f"&#x{ord(character):x};"


def escape(text: str) -> str:
    return text if _SPECIAL.search(text) is None else _SPECIAL.sub(_reference, text)


class XmlWriter:
    """Elements in order; `document()` closes the root. The caller balances `open` and `close`."""

    __slots__ = ("_parts", "_root")

    def __init__(self, root: str, namespace: str = NAMESPACE) -> None:
        self._root = root
        head = f'{DECLARATION}<{root} xmlns="{namespace}">' if namespace else f"{DECLARATION}<{root}>"
        self._parts = [head]

    def open(self, name: str, attributes: str = "") -> None:
        """`attributes` is written as it is: ready-made text such as ` xsi:type="CanonicalUser"`."""
        self._parts.append(f"<{name}{attributes}>")

    def close(self, name: str) -> None:
        self._parts.append(f"</{name}>")

    def text(self, name: str, value: str | int) -> None:
        self._parts.append(f"<{name}>{escape(value) if isinstance(value, str) else value}</{name}>")

    def optional(self, name: str, value: str | int | None) -> None:
        """Nothing where `value` is None."""
        if value is not None:
            self.text(name, value)

    def flag(self, name: str, value: bool) -> None:
        self._parts.append(f"<{name}>true</{name}>" if value else f"<{name}>false</{name}>")

    def raw(self, markup: str) -> None:
        """Ready-made, escaped markup (a hot loop builds its own)."""
        self._parts.append(markup)

    def document(self) -> bytes:
        self._parts.append(f"</{self._root}>")
        return "".join(self._parts).encode("utf-8", "surrogatepass")
