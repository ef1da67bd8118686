"""The `<Error>` document. Pure. Always well-formed, whatever was in the request."""

from __future__ import annotations

import re

from s3gateway.errors import S3Error
from s3gateway.xml.writer import XmlWriter

_UNREPRESENTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def error_document(error: S3Error, resource: str, request_id: str, host_id: str) -> bytes:
    """Code, Message, the error's own fields, then Resource, RequestId and HostId. No namespace, as AWS has it."""
    xml = XmlWriter("Error", namespace="")
    xml.text("Code", error.code)
    xml.text("Message", _clean(error.message))
    for name, value in error.fields.items():
        xml.text(name, _clean(value))
    xml.text("Resource", _clean(resource))
    xml.text("RequestId", request_id)
    xml.text("HostId", host_id)
    return xml.document()


def _clean(text: str) -> str:
    return _UNREPRESENTABLE.sub(_REPLACEMENT, text)
