"""The summary of the foreign suite counts each case once, in the right area, with a cause that can be compared."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conformance.s3tests.areas import by_area, by_cause, merge
from tests.conformance.s3tests.causes import REMARKS


def record(name: str, outcome: str = "passed", **more: object) -> dict[str, object]:
    return {"name": name, "file": "test_s3.py", "outcome": outcome, "markers": [], "why": "", **more}


@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("test_bucket_list_delimiter_percentage", "listing"),
        ("test_object_copy_to_itself", "copy"),
        ("test_lifecycle_expiration_tags1", "lifecycle"),
        ("test_set_bucket_tagging", "tagging"),
        ("test_put_object_ifmatch_good", "conditional"),
        ("test_get_object_ifnonematch_failed", "conditional"),
        ("test_multipart_copy_small", "multipart"),
        ("test_object_raw_get_x_amz_expires_not_expired", "presigned, raw, anonymous"),
        ("test_object_write_to_nonexist_bucket", "bucket"),
        ("test_ranged_request_response_code", "object"),
    ],
)
def test_areas(name: str, area: str) -> None:
    (case,) = merge([record(name)])
    assert case.area == area


def test_a_failing_clean_up_fails_the_case() -> None:
    (case,) = merge([record("test_a"), record("test_a", "failed", why="boto3 said: no")])
    assert case.outcome == "failed"
    (case,) = merge([record("test_a", "failed", why="first"), record("test_a", "passed")])
    assert (case.outcome, case.why) == ("failed", "first")


def test_causes_are_grouped_and_the_most_frequent_comes_first() -> None:
    refused = (
        "botocore.exceptions.ClientError: An error occurred (NotImplemented) when calling the PutBucketAcl operation: x"
    )
    cases = merge(
        [
            record("test_1", "failed", why="AssertionError: assert `a` ==\n b"),
            record("test_2", "failed", why=refused),
            record("test_3", "failed", why=refused),
            record("test_bucket_policy_4", "failed", why="assert 501 == 400"),
            record("test_encryption_sse_c_5", "failed", why="assert 501 == 400"),
            record("test_6"),
        ]
    )
    assert [(cause, len(failed)) for cause, failed in by_cause(cases)] == [
        ("Not served: ACLs other than the owner's", 2),
        ("Not served: bucket policies", 1),
        ("Not served: keys of the client (SSE-C)", 1),
        ("", 1),
    ]
    assert cases[0].remark == "`AssertionError: assert 'a' == b`"


def test_a_remark_comes_before_every_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REMARKS, "test_bucket_policy_4", "Nobody knows.")
    (case,) = merge([record("test_bucket_policy_4[a-b]", "failed", why="assert 501 == 400")])
    assert (case.cause, case.remark) == ("", "Nobody knows.")


def test_version_2_in_the_header_is_a_cause_of_its_own() -> None:
    (case,) = merge([record("test_a", "failed", markers=["auth_aws2"], why="assert 400 == 403")])
    assert case.cause.startswith("Refused by name")


def test_counts_add_up() -> None:
    cases = merge(
        [record("test_bucket_list_a"), record("test_bucket_list_b", "skipped"), record("test_x", file="test_iam.py")]
    )
    counted = by_area(cases)
    assert counted == {"listing": Counter(passed=1, skipped=1), "IAM": Counter(passed=1)}
