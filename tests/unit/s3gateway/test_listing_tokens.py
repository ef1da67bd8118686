"""Continuation tokens."""

from __future__ import annotations

import pytest

from dataplane.errors import InvalidContinuationToken
from s3gateway.listing_tokens import BUCKETS, OBJECTS, decode_token, encode_token


@pytest.mark.parametrize("after", ["", "a", "ü/\x01\n", "x" * 1024, "\U0001f600" * 256])
def test_a_token_names_where_to_go_on(after: str) -> None:
    token = encode_token(OBJECTS, after)
    assert token.isascii()
    assert decode_token(OBJECTS, token) == after


def test_a_token_of_another_listing_is_refused() -> None:
    with pytest.raises(InvalidContinuationToken):
        decode_token(BUCKETS, encode_token(OBJECTS, "a"))


@pytest.mark.parametrize("token", ["", "a", "ÿ", "!!!!", "x" * 5000, "AAAA", "AAAAAAAAAAAA"])
def test_what_we_did_not_make_is_refused(token: str) -> None:
    with pytest.raises(InvalidContinuationToken):
        decode_token(OBJECTS, token)


def test_every_changed_character_is_noticed() -> None:
    token = encode_token(OBJECTS, "some/key")
    for place in range(len(token) - 1):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(InvalidContinuationToken):
            decode_token(OBJECTS, token[:place] + other + token[place + 1 :])
