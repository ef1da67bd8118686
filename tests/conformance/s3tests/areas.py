"""Sorts the cases of ceph/s3-tests into areas of S3 and their failures into causes, by name and message. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
    ("lifecycle", r"lifecycle"),
    ("bucket logging", r"logging"),
    ("encryption", r"sse|encrypt|kms"),
    ("object lock", r"object_lock|legal_hold|retention"),
    ("public access", r"block_public|public_block|ignore_public|public_access"),
    ("policy", r"policy"),
    ("ownership", r"ownership"),
    ("ACL", r"acl|_grant"),
    ("CORS", r"cors"),
    ("POST object", r"post_object"),
    ("tagging", r"tagging|tagset|_tags?(_|$)"),
    ("checksum", r"checksum|crc"),
    ("conditional", r"if_?(none)?_?match|if_?modified|if_?unmodified|conditional|_condition"),
    ("versioning", r"version"),
    ("multipart", r"multipart|upload_part"),
    ("copy", r"copy"),
    ("listing", r"list"),
    ("presigned, raw, anonymous", r"raw|presigned|anon|expire"),
    ("atomic", r"atomic"),
    ("delete", r"delete"),
    ("bucket", r"bucket"),
]
"""The first pattern that is found in a case's name names its area; what is left is `object`."""

NOT_CHASED = {
    "fails_on_aws": "Ceph's own behaviour, which AWS does not show",
    "auth_aws2": "Signature Version 2",
    "appendobject": "an operation of Ceph's",
}
REFUSED = re.compile(r"An error occurred \((\w+)\) when calling the (\w+) operation")
EXCEPTION = re.compile(r"(?:^|: )([A-Za-z_.]*(?:Error|Exception|Failed|Timeout))\b:? ?([^\n]{0,90})")


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    file: str
    outcome: str
    markers: frozenset[str]
    why: str

    @property
    def area(self) -> str:
        if self.file in AREA_OF_FILE:
            return AREA_OF_FILE[self.file]
        return next((area for area, pattern in AREAS if re.search(pattern, self.name)), "object")

    @property
    def is_chased(self) -> bool:
        return not self.markers & NOT_CHASED.keys()

    @property
    def cause(self) -> str:
        """Why it failed, in a form that makes equal causes equal."""
        refused = REFUSED.search(self.why)
        if refused:
            return f"{refused[2]} answered {refused[1]}"
        if "DID NOT RAISE" in self.why:
            return "something that should be refused was accepted"
        found = EXCEPTION.search(self.why)
        return re.sub(r"[0-9a-f]{8,}|\d{3,}", "…", f"{found[1]}: {found[2]}") if found else self.why.strip()[:100]


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
    order = ["object", *(area for area, _ in AREAS), *AREA_OF_FILE.values()]
    return {area: counted[area] for area in order if area in counted}


def by_cause(cases: Iterable[Case]) -> list[tuple[str, list[Case]]]:
    """Failed cases grouped by cause, the most frequent first."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        if case.outcome == "failed":
            groups.setdefault(case.cause, []).append(case)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
