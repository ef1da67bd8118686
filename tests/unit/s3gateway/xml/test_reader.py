"""Documents from strangers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gateway.errors import S3Error
from s3gateway.xml.reader import MAX_DEPTH, MAX_ELEMENTS, parse


def refused(data: bytes, root: str = "") -> None:
    with pytest.raises(S3Error) as caught:
        parse(data, root)
    assert (caught.value.code, caught.value.status) == ("MalformedXML", 400)


def test_a_tree() -> None:
    root = parse(b'<a x="1"> <b>one</b><b> two </b><c><d/></c>tail</a>', "a")
    assert root.name == "a"
    assert root.attributes == {"x": "1"}
    assert [child.name for child in root.children] == ["b", "b", "c"]
    assert root.text_of("b") == "one"
    assert [child.text for child in root.all("b")] == ["one", " two "]
    assert root.text_of("d") is None
    assert root.text_of("d", "default") == "default"
    assert root.child("c") is root.children[2]
    assert root.child("missing") is None
    assert root.text == " tail"


def test_names_lose_their_namespaces() -> None:
    for opening in (
        b'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
        b'<Delete xmlns="https://other/">',
        b"<Delete>",
    ):
        root = parse(opening + b"<Object><Key>k</Key></Object></Delete>", "Delete")
        assert root.children[0].text_of("Key") == "k"
    root = parse(b'<a xmlns:xsi="http://x"><b xsi:type="Group"/></a>')
    assert root.children[0].attributes == {"type": "Group"}


def test_text_keeps_what_keys_may_hold() -> None:
    root = parse(b"<a><Key> a &amp; b&#x20;&lt;\xc3\xa4&#10; </Key></a>")
    assert root.raw_text_of("Key") == " a & b <ä\n "
    assert root.text_of("Key") == "a & b <ä"
    assert root.raw_text_of("missing", "-") == "-"


def test_other_encodings_that_say_so() -> None:
    assert parse('<?xml version="1.0" encoding="UTF-16"?><a>ä</a>'.encode("utf-16")).text == "ä"
    assert parse(b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe4</a>').text == "ä"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"text",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a>&undefined;</a>",
        b"<a>\xff</a>",
        b"<a>&#0;</a>",
        b"<a b='1' b='2'/>",
        b"<x:a/>",
        b"\x00",
        b'{"json": 1}',
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
    ],
)
def test_what_is_not_well_formed(data: bytes) -> None:
    refused(data)


def test_the_root_has_to_be_the_one_expected() -> None:
    refused(b"<Remove/>", "Delete")


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]><a/>',
        b'<!DOCTYPE a [<!ENTITY l "ll"><!ENTITY m "&l;&l;&l;&l;&l;&l;&l;&l;"><!ENTITY n "&m;&m;&m;&m;">]><a>&n;</a>',
    ],
)
def test_no_document_type_and_no_entity(data: bytes) -> None:
    refused(data)


def test_depth_is_bounded() -> None:
    assert parse(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH).name == "a"
    refused(b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1))


def test_count_is_bounded() -> None:
    assert len(parse(b"<a>" + b"<b/>" * (MAX_ELEMENTS - 1) + b"</a>").children) == MAX_ELEMENTS - 1
    refused(b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_tree_or_a_refusal(data: bytes) -> None:
    for candidate in (data, b"<a>" + data + b"</a>"):
        try:
            parse(candidate)
        except S3Error as error:
            assert error.code == "MalformedXML"
