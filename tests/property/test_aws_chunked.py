"""What an aws-chunked body decodes to, and which error it ends in, does not depend on how the network cut it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from s3gateway.auth.chunk_signature import ChunkSigner
from s3gateway.body.aws_chunked import MIN_CHUNK_BYTES, ChunkedDecoder, ChunkSignatures
from s3gateway.errors import S3Error
from tests.support.chunked_bodies import DATE, SCOPE, ChunkSigning, chunked_body, signing_key

SEED = "5e" * 32
TRAILER = ("x-amz-checksum-crc32", "DUoRhQ==")
KEY = signing_key()


@dataclass(frozen=True)
class Form:
    signed: bool
    trailer: bool


@dataclass(frozen=True)
class Outcome:
    plain: bytes
    error: str
    trailers: tuple[tuple[str, str], ...]
    signatures_hold: bool


def build(form: Form, chunks: Sequence[bytes]) -> bytes:
    return chunked_body(
        chunks,
        signing=ChunkSigning(KEY, SEED) if form.signed else None,
        trailers=[TRAILER] if form.trailer else [],
        signed_trailer=form.trailer and form.signed,
    )


def run(form: Form, wire: bytes, length: int, cuts: Sequence[int]) -> Outcome:
    """Feeds `wire` cut at `cuts`, the plain bytes to the signatures as they come."""
    decoder = ChunkedDecoder(
        decoded_length=length,
        signed=form.signed,
        trailer=form.trailer,
        trailers=(TRAILER[0],) if form.trailer else (),
    )
    signatures = ChunkSignatures(decoder, ChunkSigner(KEY, DATE, SCOPE, SEED))
    plain = bytearray()
    try:
        for start, stop in zip([0, *cuts], [*cuts, len(wire)], strict=True):
            for piece in decoder.feed(wire[start:stop]):
                if form.signed:
                    signatures.update(piece)
                plain += piece
        decoder.close()
    except S3Error as error:
        # How much came out before the error depends on the cuts; that it is an error, and which, does not.
        return Outcome(b"", error.code, (), False)
    return Outcome(bytes(plain), "", tuple(decoder.trailers.items()), not form.signed or signatures.settle())


forms = st.builds(Form, signed=st.booleans(), trailer=st.booleans())
# Every chunk but the last has at least 8 KiB: content does not matter to the decoder, sizes do.
chunk_lists = st.tuples(
    st.lists(st.integers(MIN_CHUNK_BYTES, MIN_CHUNK_BYTES + 300), max_size=3), st.integers(1, 300)
).map(lambda sizes: [bytes([65 + place % 26]) * size for place, size in enumerate([*sizes[0], sizes[1]])])


def cuts_of(wire: bytes, data: st.DataObject) -> list[int]:
    points = data.draw(st.lists(st.integers(0, len(wire)), max_size=40))
    return sorted(points)


@settings(max_examples=150, deadline=None)
@given(form=forms, chunks=chunk_lists, data=st.data())
def test_a_good_body_decodes_alike_however_it_is_cut(form: Form, chunks: list[bytes], data: st.DataObject) -> None:
    plain = b"".join(chunks)
    wire = build(form, chunks)
    outcome = run(form, wire, len(plain), cuts_of(wire, data))
    assert outcome == Outcome(plain, "", (TRAILER,) if form.trailer else (), True)


@settings(max_examples=300, deadline=None)
@given(form=forms, chunks=chunk_lists, data=st.data())
def test_a_damaged_body_ends_alike_however_it_is_cut(form: Form, chunks: list[bytes], data: st.DataObject) -> None:
    plain = b"".join(chunks)
    wire = bytearray(build(form, chunks))
    # Damage near the framing, where it matters: at the two ends of the body and around the first chunk's end.
    place = data.draw(
        st.one_of(
            st.integers(0, min(120, len(wire) - 1)),
            st.integers(max(0, len(wire) - 320), len(wire) - 1),
            st.integers(0, len(wire) - 1),
        )
    )
    kind = data.draw(st.sampled_from(["replace", "drop", "insert", "cut"]))
    byte = data.draw(st.sampled_from(list(b"\r\n;:0aAfFgx \x00\xff")))
    if kind == "replace":
        wire[place] = byte
    elif kind == "drop":
        del wire[place]
    elif kind == "insert":
        wire.insert(place, byte)
    else:
        del wire[place:]
    damaged = bytes(wire)
    whole = run(form, damaged, len(plain), [])
    assert run(form, damaged, len(plain), cuts_of(damaged, data)) == whole
    if not whole.error and form.signed and whole.plain != plain:
        assert not whole.signatures_hold


@settings(max_examples=200, deadline=None)
@given(form=forms, wire=st.binary(max_size=400), length=st.integers(0, 400), data=st.data())
def test_noise_is_refused_with_an_error_of_s3(form: Form, wire: bytes, length: int, data: st.DataObject) -> None:
    """Never another exception, never an endless loop; the same error for every cut."""
    whole = run(form, wire, length, [])
    assert whole.error in ("IncompleteBody", "InvalidChunkSizeError", "MalformedTrailerError", "")
    assert run(form, wire, length, cuts_of(wire, data)) == whole
