"""Documents of buckets: ListBuckets, CreateBucket, location, versioning. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dataplane.contracts import BucketRecord, Versioning
from s3gateway.errors import S3Error, not_implemented
from s3gateway.headers import iso_date
from s3gateway.xml.reader import Element
from s3gateway.xml.writer import XmlWriter, escape


def write_owner(xml: XmlWriter, tenant_name: str, element: str = "Owner") -> None:
    """Owners are tenants: the canonical id and the display name are the tenant's name."""
    xml.open(element)
    xml.text("ID", tenant_name)
    xml.text("DisplayName", tenant_name)
    xml.close(element)


def buckets_document(
    buckets: Sequence[BucketRecord], owner: str, *, regions: bool, prefix: str | None, next_token: str | None
) -> bytes:
    """`ListAllMyBucketsResult`. `regions`: name each bucket's region, as S3 does when any parameter was given."""
    xml = XmlWriter("ListAllMyBucketsResult")
    write_owner(xml, owner)
    xml.open("Buckets")
    for bucket in buckets:
        xml.open("Bucket")
        xml.text("Name", bucket.name)
        xml.text("CreationDate", iso_date(bucket.created_at))
        if regions:
            xml.text("BucketRegion", bucket.region)
        xml.close("Bucket")
    xml.close("Buckets")
    xml.optional("ContinuationToken", next_token)
    xml.optional("Prefix", prefix)
    return xml.document()


def parse_location_constraint(root: Element) -> str:
    """The region that a `CreateBucketConfiguration` asks for, "" if none."""
    if root.name != "CreateBucketConfiguration":
        raise S3Error("MalformedXML")
    if root.child("Bucket") is not None or root.child("Location") is not None:
        raise not_implemented("A directory bucket (CreateBucketConfiguration/Bucket)")
    if root.child("Tags") is not None:
        raise not_implemented("Tags at the creation of a bucket (CreateBucketConfiguration/Tags)")
    return root.text_of("LocationConstraint", "") or ""


def location_document(region: str) -> bytes:
    """`LocationConstraint`: the region as text; us-east-1 is spelled as nothing, as S3 has always done."""
    xml = XmlWriter("LocationConstraint")
    if region != "us-east-1":
        xml.raw(escape(region))
    return xml.document()


def parse_versioning(root: Element) -> Versioning:
    if root.name != "VersioningConfiguration":
        raise S3Error("MalformedXML")
    mfa_delete = root.text_of("MfaDelete", "Disabled")
    if mfa_delete not in ("Enabled", "Disabled"):
        raise S3Error("MalformedXML")
    if mfa_delete == "Enabled":
        raise not_implemented("MFA delete (VersioningConfiguration/MfaDelete)")
    match root.text_of("Status"):
        case "Enabled":
            return Versioning.ENABLED
        case "Suspended":
            return Versioning.SUSPENDED
        case None:
            raise S3Error("IllegalVersioningConfigurationException")
        case _:
            raise S3Error("MalformedXML")


def versioning_document(versioning: Versioning) -> bytes:
    xml = XmlWriter("VersioningConfiguration")
    if versioning is Versioning.ENABLED:
        xml.text("Status", "Enabled")
    elif versioning is Versioning.SUSPENDED:
        xml.text("Status", "Suspended")
    return xml.document()
