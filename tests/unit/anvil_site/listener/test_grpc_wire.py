"""gRPC's own framing, metadata and timeouts."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anvil_site.listener import grpc_wire
from anvil_site.listener.grpc_wire import GrpcRefusal, MessageReader


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(b"1H", 3600), (b"2M", 120), (b"3S", 3), (b"4m", 0.004), (b"5u", 5e-6), (b"6n", 6e-9), (b"99999999S", 99999999)],
)
def test_timeouts(value: bytes, seconds: float) -> None:
    assert grpc_wire.timeout_seconds(value) == pytest.approx(seconds)


@pytest.mark.parametrize("value", [b"", b"S", b"1", b"1s", b"-1S", b"1.5S", b"123456789S", b"1 S"])
def test_wrong_timeouts(value: bytes) -> None:
    with pytest.raises(GrpcRefusal):
        grpc_wire.timeout_seconds(value)


@pytest.mark.parametrize("value", [b"application/grpc", b"application/grpc+proto", b"application/grpc; charset=x"])
def test_content_types(value: bytes) -> None:
    assert grpc_wire.is_grpc(value)
    assert grpc_wire.speaks_proto(value)


@pytest.mark.parametrize("value", [b"", b"application/grp", b"application/grpc-web", b"application/grpcx", b"text/x"])
def test_other_content_types(value: bytes) -> None:
    assert not grpc_wire.is_grpc(value)


@given(st.lists(st.binary(max_size=200)), st.lists(st.integers(0, 100_000), max_size=20))
def test_messages_are_the_same_however_they_arrive(messages: list[bytes], cuts: list[int]) -> None:
    data = b"".join(map(grpc_wire.frame_message, messages))
    edges = [0, *sorted(at % (len(data) + 1) for at in cuts), len(data)]
    reader = MessageReader(200)
    found = [message for begin, end in itertools.pairwise(edges) for message in reader.feed(data[begin:end])]
    reader.finish()
    assert found == messages


@pytest.mark.parametrize(
    ("data", "code"), [(b"\x01", None), (b"\x01\0\0\0\0", 12), (b"\0\0\0\x04\x01", 8), (b"\0\xff\xff\xff\xff", 8)]
)
def test_wrong_messages(data: bytes, code: int | None) -> None:
    reader = MessageReader(1024)
    with pytest.raises(GrpcRefusal) as caught:
        reader.feed(data)
        reader.finish()
    assert caught.value.code == (code or grpc_wire.INTERNAL)


def test_metadata_leaves_out_what_is_http_or_reserved() -> None:
    headers = [
        (b"host", b"x"), (b"te", b"trailers"), (b"content-type", b"application/grpc"), (b"user-agent", b"grpc"),
        (b"grpc-timeout", b"1S"), (b"grpc-encoding", b"identity"), (b"grpc-trace-bin", b"AAAA"), (b"x-a", b"b"),
        (b"x-b-bin", b"AAH_"[:3] + b"/"), (b"x-c-bin", b"AA==,AQ"), (b"grpc-status-details-bin", b"Ag"),
    ]  # fmt: skip
    assert grpc_wire.decode_metadata(headers) == [
        ("x-a", "b"),
        ("x-b-bin", b"\x00\x01\xff"),
        ("x-c-bin", b"\x00"),
        ("x-c-bin", b"\x01"),
        ("grpc-status-details-bin", b"\x02"),
    ]


metadata = st.lists(
    st.one_of(
        st.tuples(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.from_regex(r"[ -~]{0,20}", fullmatch=True)),
        st.tuples(st.from_regex(r"[a-z]{1,8}-bin", fullmatch=True), st.binary(max_size=20)),
    ).filter(lambda item: item[0] not in ("te", "host", "expect"))
)


@given(metadata)
def test_metadata_survives_both_ways(items: list[tuple[str, str | bytes]]) -> None:
    assert grpc_wire.decode_metadata(grpc_wire.encode_metadata(items)) == items


@given(st.text(min_size=1))
def test_details_survive(details: str) -> None:
    details = details.encode("utf-8", "replace").decode()
    (_, status), (_, message) = grpc_wire.status_trailers(5, details)
    assert status == b"5"
    assert message.isascii()
    assert not set(message) & set(range(0x20))
    assert grpc_wire.decode_status_message(message) == details
