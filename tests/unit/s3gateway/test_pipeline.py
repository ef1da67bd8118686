"""The steps of a request, seen from outside: who is turned away, at which step, with which code."""

from __future__ import annotations

import pytest

from dataplane.contracts import Grant
from dataplane.errors import MarkerNotAllowed, NoSuchKey, NoSuchVersion
from s3gateway.errors import S3Error
from s3gateway.operations.call import Call, Response
from s3gateway.operations.spec import Support
from s3gateway.operations.table import OPERATIONS
from tests.support.gateway import Fixture, unsigned
from tests.support.signing import ACCESS_KEY, SECRET_KEY, presigned, signed


async def missing(call: Call) -> Response:
    raise NoSuchKey(call.key, delete_marker_version_id="v1")


async def told_what_it_got(call: Call) -> Response:
    context = call.context
    assert context.operation is not None
    text = f"{context.operation.name} {context.bucket_name} {context.key} {call.owner}"
    return Response(200, [], text.encode())


async def test_the_handler_gets_what_the_steps_found() -> None:
    reply = await Fixture(told_what_it_got).signed("GET", "/bucket/a%2Fb?versionId=1")
    assert reply.body == b"GetObject bucket a/b acme"


async def test_a_virtual_host_names_the_bucket() -> None:
    fixture = Fixture(told_what_it_got, domains=("s3.example.com",))
    reply = await fixture.send(signed("GET", "/a/b", host="bucket.s3.example.com"))
    assert reply.body == b"GetObject bucket a/b acme"


async def test_a_bucket_that_does_not_exist() -> None:
    for reply in (await Fixture().signed("GET", "/nowhere/k"), await Fixture().anonymous("GET", "/nowhere/k")):
        assert (reply.status, reply.error) == (404, "NoSuchBucket")
        assert reply.xml.findtext("BucketName") == "nowhere"


@pytest.mark.parametrize("slow", [False, True])
async def test_buckets_and_credentials_may_be_cached_or_not(slow: bool) -> None:
    fixture = Fixture()
    fixture.directory.slow = slow
    assert (await fixture.signed("GET", "/bucket/k")).status == 200
    assert (await fixture.signed("GET", "/bucket?location")).status == 200


@pytest.mark.parametrize("path", ["/foreign/k", "/foreign?acl", "/foreign"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_another_tenants_bucket_is_closed(method: str, path: str) -> None:
    reply = await Fixture().signed(method, path)
    if (method, path) == ("PUT", "/foreign"):
        # Creating is decided on the name; that the name is taken is the directory's to say.
        assert reply.status == 200
    elif (method, path) == ("DELETE", "/foreign?acl"):
        assert reply.error == "MethodNotAllowed"
    else:
        assert (reply.status, reply.error) == (403, "AccessDenied")


async def test_a_bucket_of_another_region() -> None:
    fixture = Fixture(region_endpoints={"eu-central-1": "s3.eu.example.com"})
    reply = await fixture.signed("GET", "/abroad/k")
    assert (reply.status, reply.error) == (301, "PermanentRedirect")
    assert reply.headers["x-amz-bucket-region"] == "eu-central-1"
    assert reply.xml.findtext("Region") == "eu-central-1"
    assert reply.xml.findtext("Endpoint") == "s3.eu.example.com"
    assert reply.xml.findtext("Bucket") == "abroad"
    head = await fixture.signed("HEAD", "/abroad")
    assert (head.status, head.headers["x-amz-bucket-region"], head.body) == (301, "eu-central-1", b"")


async def test_where_a_bucket_lives_is_told_in_every_region() -> None:
    assert (await Fixture().signed("GET", "/abroad?location")).status == 200
    assert (await Fixture().signed("GET", "/nowhere?location")).error == "NoSuchBucket"
    assert (await Fixture().signed("GET", "/foreign?location")).error == "AccessDenied"


async def test_anonymous_callers_read_objects_of_public_buckets_only() -> None:
    fixture = Fixture()
    assert (await fixture.anonymous("GET", "/public/k")).status == 200
    assert (await fixture.anonymous("HEAD", "/public/k")).status == 200
    for method, path in (
        ("GET", "/public"),
        ("GET", "/public?list-type=2"),
        ("PUT", "/public/k"),
        ("DELETE", "/public/k"),
        ("GET", "/public?acl"),
        ("POST", "/public?delete"),
        ("POST", "/public/k?uploads"),
        ("GET", "/bucket/k"),
        ("PUT", "/newbucket"),
        ("GET", "/"),
    ):
        reply = await fixture.anonymous(method, path)
        assert (reply.status, reply.error) == (403, "AccessDenied"), (method, path)


@pytest.mark.parametrize("error", [NoSuchKey("k"), NoSuchVersion("k", "v"), S3Error("NoSuchKey")])
async def test_absence_is_hidden_from_who_may_not_list(error: Exception) -> None:
    async def absent(_call: Call) -> Response:
        raise error

    fixture = Fixture(absent)
    fixture.directory.add_app("READER", SECRET_KEY, grants=(Grant("object:read", "bucket/*"),))
    fixture.directory.add_app(
        "LISTER", SECRET_KEY, grants=(Grant("object:read", "bucket/*"), Grant("bucket:list", "bucket"))
    )
    fixture.directory.add_app(
        "BELOW", SECRET_KEY, grants=(Grant("object:read", "bucket/*"), Grant("object:list", "bucket/a/*"))
    )
    expected = getattr(error, "code", type(error).__name__)
    assert (await fixture.signed("GET", "/bucket/a/k", access_key="READER")).error == "AccessDenied"
    assert (await fixture.signed("GET", "/bucket/a/k", access_key="LISTER")).error == expected
    assert (await fixture.signed("GET", "/bucket/a/k", access_key="BELOW")).error == expected
    assert (await fixture.signed("GET", "/bucket/b/k", access_key="BELOW")).error == "AccessDenied"
    assert (await fixture.anonymous("GET", "/public/k")).error == "AccessDenied"
    assert (await fixture.signed("HEAD", "/bucket/k", access_key="READER")).status == 403
    assert (await fixture.signed("HEAD", "/bucket/k")).status == 404


async def test_a_delete_marker_is_hidden_with_the_key() -> None:
    fixture = Fixture(missing)
    assert (await fixture.signed("GET", "/bucket/k")).headers["x-amz-delete-marker"] == "true"
    assert "x-amz-delete-marker" not in (await fixture.anonymous("GET", "/public/k")).headers


async def test_a_named_delete_marker() -> None:
    async def marker(_call: Call) -> Response:
        raise MarkerNotAllowed("k", "v1")

    reply = await Fixture(marker).signed("GET", "/bucket/k?versionId=v1")
    assert (reply.status, reply.error) == (405, "MethodNotAllowed")
    assert reply.headers["allow"] == "DELETE"


async def test_grants_below_a_prefix_list_that_prefix() -> None:
    fixture = Fixture()
    fixture.directory.add_app("TEAM", SECRET_KEY, grants=(Grant("object:list", "bucket/team/*"),))
    for path, status in (
        ("/bucket?list-type=2&prefix=team/", 200),
        ("/bucket?prefix=team/a&delimiter=/", 200),
        ("/bucket?versions&prefix=team/", 200),
        ("/bucket?prefix=team", 403),
        ("/bucket?prefix=other/", 403),
        ("/bucket?list-type=2", 403),
        ("/bucket?acl&prefix=team/", 403),
    ):
        assert (await fixture.signed("GET", path, access_key="TEAM")).status == status, path


async def test_a_multi_delete_is_let_through_to_who_may_delete_anything() -> None:
    fixture = Fixture()
    fixture.directory.add_app("CLEANER", SECRET_KEY, grants=(Grant("object:delete", "bucket/tmp/*"),))
    fixture.directory.add_app("READER", SECRET_KEY, grants=(Grant("object:read", "*"),))
    assert (await fixture.signed("POST", "/bucket?delete", access_key="CLEANER")).status == 200
    assert (await fixture.signed("POST", "/bucket?delete", access_key="READER")).status == 403
    assert (await fixture.signed("POST", "/foreign?delete")).status == 403


async def test_the_reserved_namespace_is_refused_to_everyone() -> None:
    fixture = Fixture()
    for reply in (
        await fixture.signed("GET", "/bucket/_anvil/x"),
        await fixture.signed("PUT", "/bucket/%5Fanvil%2Fx"),
        await fixture.anonymous("GET", "/public/_anvil/x"),
        await fixture.signed("GET", "/bucket/_anvil/x", secret_key="wrong"),
    ):
        assert (reply.status, reply.error) == (403, "UnauthorizedReservedNamespace")


@pytest.mark.parametrize(
    "row", [row for row in OPERATIONS if row.support is Support.REFUSED and not row.superseded_by], ids=lambda r: r.name
)
async def test_operations_that_are_not_served_say_so_by_name(row) -> None:  # type: ignore[no-untyped-def]
    parts = [row.subresource] if row.subresource else []
    parts += [f"{name}=1" for name in row.required] + [f"{name}={value}" for name, value in row.equals]
    path = row.path.decode() or {"service": "/", "bucket": "/bucket", "object": "/bucket/k"}[row.scope.value]
    target = f"{path}?{'&'.join(parts)}" if parts else path
    reply = await Fixture().signed(row.method, target)
    assert (reply.status, reply.error) == (501, "NotImplemented")
    assert row.name in (reply.xml.findtext("Message") or "")
    # What is not served is not told to who might not use it.
    assert (await Fixture().anonymous(row.method, target)).error == "AccessDenied"


async def test_a_copy_may_hide_in_a_presigned_url() -> None:
    fixture = Fixture(told_what_it_got)
    reply = await fixture.send(presigned("PUT", "/bucket/k?x-amz-copy-source=bucket%2Fother"))
    assert reply.body == b"CopyObject bucket k acme"
    reply = await fixture.send(presigned("PUT", "/bucket/k"))
    assert reply.body == b"PutObject bucket k acme"


async def test_headers_have_a_limit() -> None:
    reply = await Fixture().anonymous("GET", "/public/k", x_junk="a" * 16_384)
    assert (reply.status, reply.error) == (400, "RequestHeaderSectionTooLarge")


async def test_preflight_requests_are_refused_as_without_configuration() -> None:
    reply = await Fixture().anonymous("OPTIONS", "/public/k", origin="https://a", access_control_request_method="PUT")
    assert (reply.status, reply.error) == (403, "AccessForbidden")
    assert reply.xml.findtext("Method") == "PUT"
    assert (await Fixture().anonymous("OPTIONS", "/public/k")).status == 400


async def test_a_wrong_signature_comes_before_a_missing_bucket() -> None:
    reply = await Fixture().signed("GET", "/nowhere/k", secret_key="wrong")
    assert (reply.status, reply.error) == (403, "SignatureDoesNotMatch")
    assert reply.xml.findtext("AWSAccessKeyId") == ACCESS_KEY


async def test_revoking_a_grant_counts_from_the_next_request() -> None:
    fixture = Fixture()
    assert (await fixture.signed("GET", "/bucket/k")).status == 200
    fixture.directory.add_app(ACCESS_KEY, SECRET_KEY, grants=())
    assert (await fixture.signed("GET", "/bucket/k")).status == 403
    assert (await fixture.signed("GET", "/public/k")).status == 200


async def test_a_strange_path_is_a_clean_refusal() -> None:
    for path in ("*", "", "bucket/k", "/bucket/%ff", "/%00"):
        reply = await Fixture().send(unsigned("GET", path))
        assert reply.status == 400, path


async def test_a_client_may_say_whose_bucket_it_means() -> None:
    fixture = Fixture()
    for owner, status in (("acme", 200), ("other", 403), ("", 403)):
        reply = await fixture.signed("GET", "/bucket/k", headers={"x-amz-expected-bucket-owner": owner})
        assert reply.status == status, owner
    reply = await fixture.anonymous("GET", "/public/k", x_amz_expected_bucket_owner="other")
    assert (reply.status, reply.error) == (403, "AccessDenied")
