"""Sorts the cases of ceph/s3-tests into areas of S3 by their names, and their failures into causes. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.conformance.s3tests.causes import REMARKS, cause_of

OUTCOMES = ("passed", "failed", "skipped")

AREA_OF_FILE = {
    "test_headers.py": "headers",
    "test_iam.py": "IAM",
    "test_sts.py": "STS",
    "test_sns.py": "SNS",
    "test_s3select.py": "S3 Select",
    "test_utils.py": "the suite itself",
}
AREAS = [
    ("lifecycle", r"lifecycle|delete_marker_expiration|restore|cloud|read_through"),
    ("bucket logging", r"bucket_logging"),
    ("object lock", r"object_lock"),
    ("POST object", r"test_post_object"),
    ("CORS", r"cors"),
    ("copy", r"object_copy|copy_object_if|copy_enc"),
    ("multipart", r"multipart_copy|upload_part_copy|copy_part_enc"),
    ("encryption", r"encrypt|sse_|kms|obj_enc"),
    ("public access", r"public_block|block_public|ignore_public"),
    ("policy", r"policy"),
    ("ACL", r"acl(?!_tenant)|test_access_bucket"),
    ("ownership", r"ownership|owner_enforced|owner_preferred|create_bucket_object_writer"),
    ("tagging", r"tagging|tagset|_tags?(_|$)"),
    ("checksum", r"checksum|cksum"),
    ("conditional", r"if_?(none?_?)?match|modifiedsince"),
    ("atomic", r"atomic"),
    ("versioning", r"version|delete_marker"),
    ("multipart", r"multipart|_100_continue"),
    ("delete", r"multi_object|delete"),
    ("presigned, raw, anonymous", r"object_raw|object_anon|presigned|put_authenticated"),
    ("listing", r"bucket_list(?!_long)|bucket_listv2|key_count|unordered|marker|maxkeys"),
    ("bucket", r"bucket|account_usage"),
]
"""The first pattern that is found in a case's name (without its parameters) names its area: what a case is about
comes before the operation it uses for it. What is left is `object`."""

BEYOND = frozenset(("lifecycle", "bucket logging", "IAM", "STS", "SNS", "S3 Select", "the suite itself"))
"""Areas that a plain S3 store is not judged by."""

ALONE = frozenset(("object lock",))
"""Areas whose cases may leave a bucket behind that nobody can empty, which fails whatever follows in their process."""

NOT_CHASED = {
    "fails_on_aws": "Ceph's own behaviour, which AWS does not show",
    "auth_aws2": "Signature Version 2",
    "appendobject": "an operation of Ceph's",
}
_OF_ENCRYPTION = frozenset(("encryption", "sse_s3", "bucket_encryption"))
SHOWN = 160
"""Characters of a failure without a remark."""


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    file: str
    outcome: str
    markers: frozenset[str]
    why: str

    @property
    def area(self) -> str:
        return area_of(self.file, self.name)

    @property
    def is_chased(self) -> bool:
        return not self.markers & NOT_CHASED.keys()

    @property
    def is_plain(self) -> bool:
        return self.area not in BEYOND

    @property
    def is_about_encryption(self) -> bool:
        return self.area == "encryption" or bool(self.markers & _OF_ENCRYPTION)

    @property
    def is_about_what_is_not_served(self) -> bool:
        """Whether it failed for nothing but a feature that is refused by name."""
        return self.outcome == "failed" and bool(self.cause)

    @property
    def cause(self) -> str:
        """What it shares with others that failed; "" where it stands for itself."""
        return cause_of(self.area, self.name, self.markers, self.why)

    @property
    def remark(self) -> str:
        """Why it failed, in our words, or in the suite's where we have none."""
        known = REMARKS.get(self.name.partition("[")[0])
        return known or f"`{' '.join(self.why.split())[:SHOWN].replace('`', chr(39))}`"


def area_of(file: str, name: str) -> str:
    """`file` without its folder."""
    if file in AREA_OF_FILE:
        return AREA_OF_FILE[file]
    plain_name = name.partition("[")[0]
    return next((area for area, pattern in AREAS if re.search(pattern, plain_name)), "object")


def merge(records: Iterable[Mapping[str, object]]) -> list[Case]:
    """One case a test: a failure in set-up or clean-up makes it failed whatever its call did."""
    cases: dict[tuple[str, str], Case] = {}
    for record in records:
        key = (str(record["file"]), str(record["name"]))
        markers = record["markers"]
        assert isinstance(markers, Sequence)
        case = Case(key[1], key[0], str(record["outcome"]), frozenset(map(str, markers)), str(record["why"]))
        if key not in cases or case.outcome == "failed" != cases[key].outcome:
            cases[key] = case
    return list(cases.values())


def by_area(cases: Iterable[Case]) -> dict[str, Counter[str]]:
    """Outcomes counted by area, in the order of `AREAS`, then the other files."""
    counted: dict[str, Counter[str]] = {}
    for case in cases:
        counted.setdefault(case.area, Counter())[case.outcome] += 1
    plain = ["object", *(area for area, _ in AREAS), *AREA_OF_FILE.values()]
    return {area: counted[area] for area in sorted(plain, key=BEYOND.__contains__) if area in counted}


def by_cause(cases: Iterable[Case]) -> list[tuple[str, list[Case]]]:
    """Failed cases grouped by the cause they share, the most frequent first; those with none last, under ""."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        if case.outcome == "failed":
            groups.setdefault(case.cause, []).append(case)
    return sorted(groups.items(), key=lambda group: (not group[0], -len(group[1]), group[0]))
