"""Which part of S3 a case of ceph/s3-tests is about: by its file, then by its name; the first rule that fits. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Area:
    """`plain`: what every S3 store is judged by. `alone`: each case in a process of its own, because one that leaves a
    bucket behind that cannot be emptied would fail all that follow it in its process."""

    name: str
    pattern: re.Pattern[str]
    plain: bool = True
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One collected case: `node_id` as pytest takes it, `markers` as the suite gives them."""

    node_id: str
    markers: frozenset[str] = field(default=frozenset())

    @property
    def file(self) -> str:
        return self.node_id.partition("::")[0].rpartition("/")[2]

    @property
    def name(self) -> str:
        return self.node_id.rpartition("::")[2]


def _area(name: str, pattern: str, *, plain: bool = True, alone: bool = False) -> Area:
    return Area(name, re.compile(pattern), plain, alone)


_BY_FILE = {
    "test_headers.py": "headers",
    "test_iam.py": "IAM",
    "test_sts.py": "STS",
    "test_s3select.py": "select",
    "test_sns.py": "notifications",
    "test_utils.py": "the suite itself",
}

# Searched in this order: what a case is *about* comes before the operation it uses for it.
_RULES = (
    _area("lifecycle", r"lifecycle|delete_marker_expiration|restore|cloud|read_through", plain=False),
    _area("bucket logging", r"bucket_logging", plain=False),
    _area("object lock", r"object_lock", alone=True),
    _area("post object", r"test_post_object"),
    _area("cors", r"cors"),
    _area("copy", r"object_copy|copy_object_if|copy_enc"),
    _area("multipart", r"multipart_copy|upload_part_copy|copy_part_enc"),
    _area("encryption", r"encrypt|sse_|kms|obj_enc"),
    _area("public access", r"public_block|block_public|ignore_public"),
    _area("policy", r"policy"),
    _area("acl", r"acl(?!_tenant)|test_access_bucket"),
    _area("ownership", r"ownership|owner_enforced|owner_preferred|create_bucket_object_writer"),
    _area("tagging", r"tag(s|ging|_)|tagset"),
    _area("checksum", r"checksum|cksum"),
    _area("conditional", r"if_?(none?_?)?match|modifiedsince"),
    _area("atomic", r"atomic"),
    _area("versioning", r"version|delete_marker"),
    _area("multipart", r"multipart|_100_continue"),
    _area("delete", r"multi_object|multi_objectv2|delete"),
    _area("presigned, raw, anonymous", r"object_raw|object_anon|presigned|put_authenticated"),
    _area("listing", r"bucket_list(?!_long)|bucket_listv2|key_count|unordered|marker|maxkeys"),
    _area("bucket", r"bucket|account_usage"),
    _area("object", r"."),
)

AREAS: dict[str, Area] = {area.name: area for area in _RULES} | {
    name: _area(name, r".", plain=name == "headers") for name in _BY_FILE.values()
}


def area_of(case: Case) -> Area:
    by_file = _BY_FILE.get(case.file)
    if by_file is not None:
        return AREAS[by_file]
    return next(area for area in _RULES if area.pattern.search(case.name.partition("[")[0]))
