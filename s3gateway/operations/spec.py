"""What a row of the operation table says, and what a handler is. Pure.

A handler is a coroutine function named after the operation in snake case, in the module of its family:

    async def put_object(call: Call) -> Response          # s3gateway/operations/object_write.py

It is found by the row (`Operation.module`), so no registry is needed. Before it runs the pipeline has parsed,
routed, authenticated, found the bucket (`needs_bucket`), checked the region and asked `dataplane.access` for the
row's action. The handler answers with a `Response` or raises `S3Error` or any `dataplane.errors.DomainError`;
`s3gateway.app` is the only place that sends. `Call` and `Response` are in `s3gateway/operations/call.py`.

Must not know: ASGI, the engine, how authentication is done.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class Scope(enum.Enum):
    """What the address names: `/`, `/bucket` or `/bucket/key`."""

    SERVICE = "service"
    BUCKET = "bucket"
    OBJECT = "object"


class BodyKind(enum.Enum):
    """What the request body is. NONE bodies are never read (bytes that come anyway are drained or cut off)."""

    NONE = "none"
    XML = "xml"
    STREAM = "stream"


class Support(enum.Enum):
    """SERVED has a handler; STORED_ONLY keeps a document it does not act on; REFUSED answers NotImplemented."""

    SERVED = "served"
    STORED_ONLY = "stored_only"
    REFUSED = "refused"


_WORD_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class Operation:
    """One S3 operation: how it is recognised, what right it needs, who answers it.

    `subresource` must be present as a query name, as must all of `required`; `equals` are query names that must have
    a value. With `copy_source` the header x-amz-copy-source must be present, without it that header must be absent
    wherever a sibling row asks for it. The most specific matching row wins.
    """

    name: str
    method: str
    scope: Scope
    action: str
    """For `dataplane.access.decide`: asked on `*` (service), the bucket's name or `bucket/key`, as `scope` says."""
    module: str = ""
    """Module of `s3gateway.operations` that holds the handler; empty where `support` is REFUSED."""
    subresource: str = ""
    required: tuple[str, ...] = ()
    equals: tuple[tuple[str, str], ...] = ()
    copy_source: bool = False
    path: bytes = b""
    """An exact raw path instead of a bucket address (WriteGetObjectResponse has one)."""
    other_actions: tuple[str, ...] = ()
    """Any one of these rights on the same resource does as well."""
    body: BodyKind = BodyKind.NONE
    support: Support = Support.REFUSED
    needs_bucket: bool = True
    """Whether the pipeline looks the bucket up before the decision (ListBuckets and CreateBucket: no)."""
    per_key: bool = False
    """The handler decides on each key itself; here only callers are turned away who could not have any of them."""
    any_region: bool = False
    """Answered here even for a bucket that lives in another region, instead of 301."""
    superseded_by: str = ""
    """Name of the operation that has the same wire form and is routed to instead (deprecated twins)."""

    @property
    def function(self) -> str:
        """The handler's name: the operation's in snake case."""
        return _WORD_BORDER.sub("_", self.name).lower()

    @property
    def handler(self) -> str:
        """`module:function` of the handler, or "" where there is none."""
        return f"s3gateway.operations.{self.module}:{self.function}" if self.module else ""
