"""The `AccessControlPolicy` document. Pure.

Buckets and objects belong to the bucket's tenant (BucketOwnerEnforced); the document says what is in force.
"""

from __future__ import annotations

from typing import Final

from s3gateway.shapes.buckets import write_owner
from s3gateway.xml.writer import XmlWriter

_XSI: Final = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_ALL_USERS: Final = "http://acs.amazonaws.com/groups/global/AllUsers"


def acl_document(owner: str, *, public_read: bool) -> bytes:
    """The owner's FULL_CONTROL and, where anyone may read, READ of all users."""
    xml = XmlWriter("AccessControlPolicy")
    write_owner(xml, owner)
    xml.open("AccessControlList")
    xml.open("Grant")
    xml.open("Grantee", f'{_XSI} xsi:type="CanonicalUser"')
    xml.text("ID", owner)
    xml.text("DisplayName", owner)
    xml.close("Grantee")
    xml.text("Permission", "FULL_CONTROL")
    xml.close("Grant")
    if public_read:
        xml.open("Grant")
        xml.open("Grantee", f'{_XSI} xsi:type="Group"')
        xml.text("URI", _ALL_USERS)
        xml.close("Grantee")
        xml.text("Permission", "READ")
        xml.close("Grant")
    xml.close("AccessControlList")
    return xml.document()
