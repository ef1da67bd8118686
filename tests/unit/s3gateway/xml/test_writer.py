"""What we write, botocore reads."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import botocore.parsers
import botocore.session
from hypothesis import given
from hypothesis import strategies as st

from s3gateway.errors import S3Error
from s3gateway.xml.error_document import error_document
from s3gateway.xml.reader import parse
from s3gateway.xml.writer import NAMESPACE, XmlWriter, escape

# Everything that XML 1.0 can carry.
READABLE = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff", include_characters="\t\n\r")
)


LISTING = botocore.session.get_session().get_service_model("s3").operation_model("ListObjectsV2").output_shape
PARSER = botocore.parsers.create_parser("rest-xml")


def read_by_botocore(status: int, body: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = PARSER.parse({"status_code": status, "headers": {}, "body": body}, LISTING)
    return parsed


def document(text: str) -> bytes:
    xml = XmlWriter("Root")
    xml.text("Key", text)
    return xml.document()


@given(READABLE)
def test_text_comes_back_as_it_was(text: str) -> None:
    data = document(text)
    assert ElementTree.fromstring(data).findtext(f"{{{NAMESPACE}}}Key") == text
    assert parse(data).raw_text_of("Key") == text


def test_characters_that_xml_cannot_carry_are_references_as_with_aws() -> None:
    assert escape("a\x01b\x00\ufffe") == "a&#x1;b&#x0;&#xfffe;"
    assert escape("a\rb") == "a&#xd;b"
    assert escape('<&>"') == "&lt;&amp;&gt;&quot;"
    assert escape("plain é\t\n") == "plain é\t\n"


def test_elements_in_order() -> None:
    xml = XmlWriter("R", namespace="")
    xml.text("N", 5)
    xml.optional("Absent", None)
    xml.optional("Present", "")
    xml.open("O", ' a="1"')
    xml.flag("F", value=True)
    xml.flag("G", value=False)
    xml.close("O")
    xml.raw("<X/>")
    assert xml.document() == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<R><N>5</N><Present></Present><O a="1"><F>true</F><G>false</G></O><X/></R>'
    )


def test_botocore_reads_a_listing() -> None:
    xml = XmlWriter("ListBucketResult")
    xml.text("Name", "b&b")
    xml.open("Contents")
    xml.text("Key", "a<b>ä")
    xml.text("Size", 5)
    xml.close("Contents")
    parsed = read_by_botocore(200, xml.document())
    assert parsed["Name"] == "b&b"
    assert parsed["Contents"] == [{"Key": "a<b>ä", "Size": 5}]


@given(st.text(), st.text(), st.text())
def test_error_documents_are_always_readable(message: str, value: str, resource: str) -> None:
    error = S3Error("InvalidArgument", message or "m", fields={"ArgumentValue": value})
    data = error_document(error, resource, "0123456789ABCDEF", "host")
    parsed = read_by_botocore(400, data)
    assert parsed["Error"]["Code"] == "InvalidArgument"
    root = parse(data, "Error")
    names = [child.name for child in root.children]
    assert names == ["Code", "Message", "ArgumentValue", "Resource", "RequestId", "HostId"]
    assert root.text_of("RequestId") == "0123456789ABCDEF"
