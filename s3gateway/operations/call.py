"""`Call`, what a handler is given, and `Response`, what it gives back.

Must not know: ASGI, how a request was authenticated, single operations.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from dataplane.contracts import BucketRecord
from dataplane.ports import Directory
from s3gateway.authorize import find_bucket, may, require
from s3gateway.body.reader import RequestBody, open_body
from s3gateway.context import RequestContext
from s3gateway.errors import S3Error
from s3gateway.request import S3Request
from s3gateway.settings import GatewaySettings
from s3gateway.stream import RequestStream
from s3gateway.xml.reader import Element, parse

if TYPE_CHECKING:
    from dataplane.objects.store import ObjectStore

Headers = list[tuple[bytes, bytes]]
Piece = bytes | memoryview

XML_CONTENT_TYPE = (b"content-type", b"application/xml")


class Response:
    """`body` is whole bytes or an iterator of pieces, sent under back-pressure.

    `content_length` must be given for an iterator unless its length cannot be known (then the reply is chunked), and
    for HEAD, where it is the length the GET would have. An iterator that yields fewer bytes or raises makes the
    connection be cut: the client never mistakes a part for the whole. The app closes iterators (`aclose`) in any case.
    """

    __slots__ = ("body", "content_length", "headers", "status")

    def __init__(
        self,
        status: int = 200,
        headers: Headers | None = None,
        body: bytes | AsyncIterator[Piece] = b"",
        content_length: int | None = None,
    ) -> None:
        self.status = status
        self.headers: Headers = [] if headers is None else headers
        self.body = body
        self.content_length = content_length


def xml_response(document: bytes, status: int = 200, headers: Headers | None = None) -> Response:
    return Response(status, [XML_CONTENT_TYPE, *(headers or ())], document)


class Call:
    """One request on its way to its handler. The bucket of the address is looked up and the row's action allowed."""

    __slots__ = ("_body", "context", "directory", "objects", "request", "settings", "stream")

    def __init__(
        self,
        context: RequestContext,
        objects: ObjectStore,
        directory: Directory,
        settings: GatewaySettings,
        stream: RequestStream,
    ) -> None:
        self.context = context
        self.request: S3Request = context.request
        self.objects = objects
        self.directory = directory
        self.settings = settings
        self.stream = stream
        self._body: RequestBody | None = None

    @property
    def bucket(self) -> BucketRecord:
        """The bucket of the address. Only for operations whose row has `needs_bucket`."""
        bucket = self.context.bucket
        assert bucket is not None, "the operation's row does not ask for a bucket"
        return bucket

    @property
    def key(self) -> str:
        return self.context.key

    @property
    def tenant_id(self) -> int | None:
        """Tenant of the caller; None for anonymous."""
        principal = self.context.principal
        return None if principal is None else principal.tenant_id

    @property
    def owner(self) -> str:
        """Tenant name of the caller, as stored with what it writes; "" for anonymous."""
        principal = self.context.principal
        return "" if principal is None else principal.tenant_name

    @property
    def body(self) -> RequestBody:
        """The body, de-framed and verified as it is read. Made at first use: until then nothing is received."""
        body = self._body
        if body is None:
            body = self._body = open_body(self.stream, self.request, self.context.payload, self.settings)
        return body

    async def xml_body(self, limit_bytes: int | None = None) -> Element:
        """The whole body, verified, as a tree. Raises MalformedXML, MaxMessageLengthExceeded, and the body's errors."""
        data = await self.body.read_all(self.settings.max_xml_bytes if limit_bytes is None else limit_bytes)
        if not data:
            raise S3Error("MissingRequestBodyError")
        return parse(data)

    def may(self, action: str, bucket: BucketRecord, key: str | None = None) -> bool:
        """Whether the caller has the right; for per-key decisions inside an operation (DeleteObjects, copy sources)."""
        return may(self.context.principal, action, bucket, key)

    def require(self, action: str, bucket: BucketRecord, key: str | None = None) -> None:
        """As `may`, but raises AccessDenied."""
        require(self.context.principal, action, bucket, key)

    async def find_bucket(self, name: str) -> BucketRecord:
        """Another bucket than the address's (a copy source). Raises NoSuchBucket, and 301 for another region's.

        Grants nothing: call `require` next.
        """
        return await find_bucket(self.directory, self.settings, name)
