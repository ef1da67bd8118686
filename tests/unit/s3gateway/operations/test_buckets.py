"""ListBuckets, CreateBucket, HeadBucket, DeleteBucket, location, versioning and the documents of a bucket."""

from __future__ import annotations

import pytest

from dataplane.contracts import BucketRecord
from s3gateway.app import S3Gateway
from s3gateway.settings import GatewaySettings
from tests.support.gateway_client import GatewayClient
from tests.support.memory_directory import MemoryDirectory
from tests.support.memory_objects import MemoryObjects
from tests.unit.s3gateway.operations.conftest import ACCESS_KEY, SECRET_KEY


def configuration(region: str) -> bytes:
    constraint = f"<LocationConstraint>{region}</LocationConstraint>"
    return f"<CreateBucketConfiguration>{constraint}</CreateBucketConfiguration>".encode()


# ---------------------------------------------------------------- list


async def test_a_tenant_sees_its_own_buckets(client: GatewayClient, stranger: GatewayClient) -> None:
    await client.put("/zebra")
    await client.put("/aardvark")
    reply = await client.get("/")
    assert reply.xml.tag == "ListAllMyBucketsResult"
    assert reply.all("Buckets/Bucket/Name") == ["aardvark", "data", "zebra"]
    assert (reply.xml.findtext("Owner/ID"), reply.xml.findtext("Owner/DisplayName")) == ("acme", "acme")
    assert reply.xml.find("Buckets/Bucket/BucketRegion") is None
    assert (await stranger.get("/")).all("Buckets/Bucket/Name") == []


async def test_buckets_by_pages(client: GatewayClient) -> None:
    for name in ("aaa", "bbb", "ccc"):
        await client.put(f"/{name}")
    seen: list[str] = []
    query = {"max-buckets": "2"}
    while True:
        reply = await client.get("/", query)
        seen += reply.all("Buckets/Bucket/Name")
        assert reply.all("Buckets/Bucket/BucketRegion")
        token = reply.xml.findtext("ContinuationToken")
        if token is None:
            break
        query["continuation-token"] = token
    assert seen == ["aaa", "bbb", "ccc", "data"]
    reply = await client.get("/", "prefix=b")
    assert (reply.all("Buckets/Bucket/Name"), reply.xml.findtext("Prefix")) == (["bbb"], "b")
    assert (await client.get("/", "bucket-region=eu-west-1")).all("Buckets/Bucket/Name") == []
    for wrong in ("max-buckets=0", "max-buckets=10001", "max-buckets=x", "continuation-token=x"):
        assert (await client.get("/", wrong)).code == "InvalidArgument"


# ---------------------------------------------------------------- create


@pytest.mark.parametrize("body", [b"", configuration("us-east-1"), configuration(""), b"<CreateBucketConfiguration/>"])
async def test_create_in_this_region(client: GatewayClient, directory: MemoryDirectory, body: bytes) -> None:
    reply = await client.put("/made", body)
    assert (reply.status, reply.headers["location"]) == (200, "/made")
    assert directory.buckets["made"].region == "us-east-1"
    assert directory.actors == ["app:acme/app"]


async def test_create_in_other_regions(client: GatewayClient, directory: MemoryDirectory) -> None:
    known = await client.put("/made", configuration("eu-west-1"))
    assert (known.status, known.code) == (400, "IllegalLocationConstraintException")
    # What old clients call eu-west-1.
    assert (await client.put("/made", configuration("EU"))).code == "IllegalLocationConstraintException"
    unknown = await client.put("/made", configuration("mars-1"))
    assert (unknown.status, unknown.code) == (400, "InvalidLocationConstraint")
    assert unknown.xml.findtext("LocationConstraint") == "mars-1"
    assert "made" not in directory.buckets


@pytest.fixture
def europe(directory: MemoryDirectory, objects: MemoryObjects) -> GatewayClient:
    gateway = S3Gateway(directory, objects, GatewaySettings(region="eu-west-1"))  # type: ignore[arg-type]
    return GatewayClient(gateway, ACCESS_KEY, SECRET_KEY, region="eu-west-1")


async def test_a_node_elsewhere_takes_the_default_constraint(europe: GatewayClient, directory: MemoryDirectory) -> None:
    for name, body in (
        ("one", b""),
        ("two", configuration("us-east-1")),
        ("three", configuration("EU")),
        ("four", configuration("eu-west-1")),
    ):
        assert (await europe.put(f"/{name}", body)).status == 200
        assert directory.buckets[name].region == "eu-west-1"
    assert (await europe.get("/one", "location")).xml.text == "eu-west-1"


async def test_who_owns_it_already(client: GatewayClient, stranger: GatewayClient, europe: GatewayClient) -> None:
    assert (await client.put("/data")).status == 200
    theirs = await stranger.put("/data")
    assert (theirs.status, theirs.code) == (409, "BucketAlreadyExists")
    await europe.put("/made")
    again = await europe.put("/made")
    assert (again.status, again.code) == (409, "BucketAlreadyOwnedByYou")


@pytest.mark.parametrize("name", ["ab", "Capital", "under_score", "-x-", "x" * 64])
async def test_names_that_cannot_be(client: GatewayClient, name: str) -> None:
    reply = await client.put(f"/{name}")
    assert (reply.status, reply.code) == (400, "InvalidBucketName")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"x-amz-acl": "private"}, 200, ""),
        ({"x-amz-acl": "public-read"}, 400, "InvalidBucketAclWithObjectOwnership"),
        ({"x-amz-acl": "nonsense"}, 400, "InvalidArgument"),
        ({"x-amz-grant-read": "id=1"}, 400, "InvalidBucketAclWithObjectOwnership"),
        ({"x-amz-object-ownership": "BucketOwnerEnforced"}, 200, ""),
        ({"x-amz-object-ownership": "ObjectWriter"}, 501, "NotImplemented"),
        ({"x-amz-object-ownership": "nonsense"}, 400, "InvalidArgument"),
        ({"x-amz-bucket-object-lock-enabled": "perhaps"}, 400, "InvalidArgument"),
    ],
)
async def test_headers_at_creation(client: GatewayClient, headers: dict[str, str], status: int, code: str) -> None:
    reply = await client.put("/made", headers=headers)
    assert (reply.status, reply.code) == (status, code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"no xml", 400, "MalformedXML"),
        (b"<Other/>", 400, "MalformedXML"),
        (b"<CreateBucketConfiguration><Bucket/></CreateBucketConfiguration>", 501, "NotImplemented"),
        (b"<CreateBucketConfiguration><Tags/></CreateBucketConfiguration>", 501, "NotImplemented"),
        (b"<a>" + b" " * 70_000 + b"</a>", 400, "MaxMessageLengthExceeded"),
    ],
)
async def test_documents_at_creation(client: GatewayClient, body: bytes, status: int, code: str) -> None:
    reply = await client.put("/made", body)
    assert (reply.status, reply.code) == (status, code)


async def test_object_lock_at_creation(client: GatewayClient, directory: MemoryDirectory) -> None:
    await client.put("/made", headers={"x-amz-bucket-object-lock-enabled": "true"})
    assert directory.buckets["made"].object_lock
    assert (await client.get("/made", "versioning")).xml.findtext("Status") == "Enabled"
    reply = await client.get("/made", "object-lock")
    assert reply.xml.findtext("ObjectLockEnabled") == "Enabled"


async def test_nobody_creates_nothing(anonymous: GatewayClient) -> None:
    assert (await anonymous.put("/made")).code == "AccessDenied"


# ---------------------------------------------------------------- head, delete, location


async def test_head_names_the_region(client: GatewayClient, stranger: GatewayClient) -> None:
    reply = await client.head("/data")
    assert (reply.status, reply.headers["x-amz-bucket-region"]) == (200, "us-east-1")
    assert (await client.head("/nowhere")).status == 404
    assert (await stranger.head("/data")).status == 403


async def test_a_bucket_elsewhere_is_a_redirect(client: GatewayClient, directory: MemoryDirectory) -> None:
    directory.add_bucket("away", region="eu-west-1")
    reply = await client.head("/away")
    assert (reply.status, reply.headers["x-amz-bucket-region"]) == (301, "eu-west-1")
    assert (await client.get("/away", "location")).xml.text == "eu-west-1"


async def test_delete(client: GatewayClient, directory: MemoryDirectory, bucket: BucketRecord) -> None:
    directory.occupied.add(bucket.id)
    reply = await client.delete("/data")
    assert (reply.status, reply.code) == (409, "BucketNotEmpty")
    directory.occupied.clear()
    assert (await client.delete("/data")).status == 204
    assert (await client.delete("/data")).code == "NoSuchBucket"


async def test_the_first_region_is_spelled_as_nothing(client: GatewayClient) -> None:
    reply = await client.get("/data", "location")
    assert (reply.xml.tag, reply.xml.text) == ("LocationConstraint", None)


# ---------------------------------------------------------------- versioning


def versioning(status: str, more: str = "") -> bytes:
    return f"<VersioningConfiguration><Status>{status}</Status>{more}</VersioningConfiguration>".encode()


async def test_versioning_is_switched(client: GatewayClient) -> None:
    assert list((await client.get("/data", "versioning")).xml) == []
    for status in ("Enabled", "Suspended", "Enabled"):
        assert (await client.put("/data", versioning(status), query="versioning")).status == 200
        assert (await client.get("/data", "versioning")).xml.findtext("Status") == status


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (versioning("On"), 400, "MalformedXML"),
        (b"<VersioningConfiguration/>", 400, "IllegalVersioningConfigurationException"),
        (b"<Other/>", 400, "MalformedXML"),
        (b"", 400, "MissingRequestBodyError"),
        (versioning("Enabled", "<MfaDelete>Enabled</MfaDelete>"), 501, "NotImplemented"),
        (versioning("Enabled", "<MfaDelete>x</MfaDelete>"), 400, "MalformedXML"),
    ],
)
async def test_versioning_documents_that_cannot_be(client: GatewayClient, body: bytes, status: int, code: str) -> None:
    reply = await client.put("/data", body, query="versioning")
    assert (reply.status, reply.code) == (status, code)


# ---------------------------------------------------------------- documents


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("cors", "NoSuchCORSConfiguration"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
        ("policy", "NoSuchBucketPolicy"),
        ("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("tagging", "NoSuchTagSet"),
        ("website", "NoSuchWebsiteConfiguration"),
    ],
)
async def test_documents_that_nobody_set(client: GatewayClient, query: str, code: str) -> None:
    reply = await client.get("/data", query)
    assert (reply.status, reply.code, reply.xml.findtext("BucketName")) == (404, code, "data")


@pytest.mark.parametrize(
    ("query", "path", "value"),
    [
        ("accelerate", "Status", None),
        ("logging", "LoggingEnabled", None),
        ("notification", "TopicConfiguration", None),
        ("ownershipControls", "Rule/ObjectOwnership", "BucketOwnerEnforced"),
        ("policyStatus", "IsPublic", "false"),
        ("requestPayment", "Payer", "BucketOwner"),
        ("encryption", "Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm", "AES256"),
        ("acl", "AccessControlList/Grant/Permission", "FULL_CONTROL"),
        ("acl", "Owner/ID", "acme"),
    ],
)
async def test_documents_that_are_in_force(client: GatewayClient, query: str, path: str, value: str | None) -> None:
    reply = await client.get("/data", query)
    assert (reply.status, reply.xml.findtext(path)) == (200, value)


async def test_the_acl_of_an_object(client: GatewayClient, directory: MemoryDirectory) -> None:
    directory.add_bucket("open", public_read=True)
    await client.put("/data/key", b"x")
    await client.put("/open/key", b"x")
    assert (await client.get("/data/key", "acl")).all("AccessControlList/Grant/Permission") == ["FULL_CONTROL"]
    reply = await client.get("/open/key", "acl")
    assert reply.all("AccessControlList/Grant/Permission") == ["FULL_CONTROL", "READ"]
    assert reply.all("AccessControlList/Grant/Grantee/URI") == ["http://acs.amazonaws.com/groups/global/AllUsers"]
    assert (await client.get("/data/none", "acl")).code == "NoSuchKey"
    assert (await client.get("/open", "policyStatus")).xml.findtext("IsPublic") == "true"


async def test_a_node_that_stores_plainly_has_no_default_encryption(
    directory: MemoryDirectory, objects: MemoryObjects, bucket: BucketRecord
) -> None:
    gateway = S3Gateway(directory, objects, GatewaySettings(encrypts_at_rest=False))  # type: ignore[arg-type]
    reply = await GatewayClient(gateway, ACCESS_KEY, SECRET_KEY).get("/data", "encryption")
    assert (reply.status, reply.code) == (404, "ServerSideEncryptionConfigurationNotFoundError")
