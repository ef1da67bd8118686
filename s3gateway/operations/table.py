"""OPERATIONS: one row for every S3 operation. The gateway's contents page.

Every operation of botocore's S3 model has a row (a test compares), also those that are not served: they answer
NotImplemented by name. What a row means is in `spec.py`; docs/reference/s3-compatibility.md is generated from here.
Must not know: handlers (they are found by name).
"""

from __future__ import annotations

from typing import Any

from dataplane.access.actions import (
    BUCKET_CREATE,
    BUCKET_DELETE,
    BUCKET_LIST,
    BUCKET_READ,
    BUCKET_WRITE,
    OBJECT_DELETE,
    OBJECT_READ,
    OBJECT_WRITE,
)
from s3gateway.operations.spec import BodyKind, Operation, Scope, Support

_SERVED, _XML, _STREAM = Support.SERVED, BodyKind.XML, BodyKind.STREAM


def _bucket(name: str, method: str, action: str, subresource: str = "", **rest: Any) -> Operation:
    return Operation(name, method, Scope.BUCKET, action, subresource=subresource, **rest)


def _object(name: str, method: str, action: str, subresource: str = "", **rest: Any) -> Operation:
    return Operation(name, method, Scope.OBJECT, action, subresource=subresource, **rest)


_BUCKETS = (
    Operation("ListBuckets", "GET", Scope.SERVICE, BUCKET_LIST, module="buckets", support=_SERVED, needs_bucket=False),
    Operation(
        "ListDirectoryBuckets",
        "GET",
        Scope.SERVICE,
        BUCKET_LIST,
        subresource="max-directory-buckets",
        needs_bucket=False,
    ),
    _bucket("CreateBucket", "PUT", BUCKET_CREATE, module="buckets", support=_SERVED, body=_XML, needs_bucket=False),
    _bucket("HeadBucket", "HEAD", BUCKET_LIST, module="buckets", support=_SERVED, other_actions=(BUCKET_READ,)),
    _bucket("DeleteBucket", "DELETE", BUCKET_DELETE, module="buckets", support=_SERVED),
    _bucket(
        "GetBucketLocation",
        "GET",
        BUCKET_READ,
        "location",
        module="buckets",
        support=_SERVED,
        other_actions=(BUCKET_LIST,),
        any_region=True,
    ),
    _bucket("CreateSession", "GET", BUCKET_READ, "session"),
)

_OBJECTS = (
    _object("GetObject", "GET", OBJECT_READ, module="object_read", support=_SERVED),
    _object("HeadObject", "HEAD", OBJECT_READ, module="object_read", support=_SERVED),
    _object("PutObject", "PUT", OBJECT_WRITE, module="object_write", support=_SERVED, body=_STREAM),
    _object("CopyObject", "PUT", OBJECT_WRITE, module="object_copy", support=_SERVED, copy_source=True),
    _object("DeleteObject", "DELETE", OBJECT_DELETE, module="object_delete", support=_SERVED),
    _object("GetObjectAttributes", "GET", OBJECT_READ, "attributes", module="object_attributes", support=_SERVED),
    _object("GetObjectTagging", "GET", OBJECT_READ, "tagging", module="object_tagging", support=_SERVED),
    _object("PutObjectTagging", "PUT", OBJECT_WRITE, "tagging", module="object_tagging", support=_SERVED, body=_XML),
    _object("DeleteObjectTagging", "DELETE", OBJECT_WRITE, "tagging", module="object_tagging", support=_SERVED),
    _object("GetObjectAcl", "GET", OBJECT_READ, "acl", module="object_acl", support=_SERVED),
    _object("PutObjectAcl", "PUT", OBJECT_WRITE, "acl", body=_XML),
    _object("GetObjectLegalHold", "GET", OBJECT_READ, "legal-hold"),
    _object("PutObjectLegalHold", "PUT", OBJECT_WRITE, "legal-hold", body=_XML),
    _object("GetObjectRetention", "GET", OBJECT_READ, "retention"),
    _object("PutObjectRetention", "PUT", OBJECT_WRITE, "retention", body=_XML),
    _object("GetObjectTorrent", "GET", OBJECT_READ, "torrent"),
    _object("GetObjectAnnotation", "GET", OBJECT_READ, "annotation", required=("annotationName",)),
    _object("PutObjectAnnotation", "PUT", OBJECT_WRITE, "annotation", required=("annotationName",), body=_STREAM),
    _object("DeleteObjectAnnotation", "DELETE", OBJECT_WRITE, "annotation", required=("annotationName",)),
    _object("ListObjectAnnotations", "GET", OBJECT_READ, "annotation"),
    _object("RenameObject", "PUT", OBJECT_WRITE, "renameObject"),
    _object("RestoreObject", "POST", OBJECT_WRITE, "restore", body=_XML),
    _object("SelectObjectContent", "POST", OBJECT_READ, "select", equals=(("select-type", "2"),), body=_XML),
    _object("UpdateObjectEncryption", "PUT", OBJECT_WRITE, "encryption", body=_XML),
    Operation(
        "WriteGetObjectResponse",
        "POST",
        Scope.SERVICE,
        OBJECT_WRITE,
        path=b"/WriteGetObjectResponse",
        body=_STREAM,
        needs_bucket=False,
    ),
)

_LISTINGS = (
    _bucket("ListObjects", "GET", BUCKET_LIST, module="object_list", support=_SERVED),
    _bucket("ListObjectsV2", "GET", BUCKET_LIST, module="object_list", support=_SERVED, equals=(("list-type", "2"),)),
    _bucket("ListObjectVersions", "GET", BUCKET_LIST, "versions", module="object_list", support=_SERVED),
    _bucket("ListMultipartUploads", "GET", BUCKET_LIST, "uploads", module="multipart_list", support=_SERVED),
    _bucket(
        "DeleteObjects",
        "POST",
        OBJECT_DELETE,
        "delete",
        module="object_delete",
        support=_SERVED,
        body=_XML,
        per_key=True,
    ),
    # The browser's form upload. Not an operation of botocore's, but one of S3's.
    _bucket("PostObject", "POST", OBJECT_WRITE, body=_STREAM, per_key=True),
)

_MULTIPART = (
    _object("CreateMultipartUpload", "POST", OBJECT_WRITE, "uploads", module="multipart", support=_SERVED),
    _object(
        "UploadPart",
        "PUT",
        OBJECT_WRITE,
        module="multipart",
        support=_SERVED,
        required=("partNumber", "uploadId"),
        body=_STREAM,
    ),
    _object(
        "UploadPartCopy",
        "PUT",
        OBJECT_WRITE,
        module="multipart_copy",
        support=_SERVED,
        required=("partNumber", "uploadId"),
        copy_source=True,
    ),
    _object(
        "CompleteMultipartUpload",
        "POST",
        OBJECT_WRITE,
        module="multipart",
        support=_SERVED,
        required=("uploadId",),
        body=_XML,
    ),
    _object(
        "AbortMultipartUpload", "DELETE", OBJECT_WRITE, module="multipart", support=_SERVED, required=("uploadId",)
    ),
    _object("ListParts", "GET", OBJECT_WRITE, module="multipart_list", support=_SERVED, required=("uploadId",)),
)

_CONFIGURATION = (
    _bucket("GetBucketVersioning", "GET", BUCKET_READ, "versioning", module="bucket_versioning", support=_SERVED),
    _bucket(
        "PutBucketVersioning",
        "PUT",
        BUCKET_WRITE,
        "versioning",
        module="bucket_versioning",
        support=_SERVED,
        body=_XML,
    ),
    _bucket("GetBucketAcl", "GET", BUCKET_READ, "acl", module="bucket_documents", support=_SERVED),
    _bucket("PutBucketAcl", "PUT", BUCKET_WRITE, "acl", body=_XML),
    _bucket("GetBucketAbac", "GET", BUCKET_READ, "abac"),
    _bucket("PutBucketAbac", "PUT", BUCKET_WRITE, "abac", body=_XML),
    _bucket(
        "GetBucketAccelerateConfiguration", "GET", BUCKET_READ, "accelerate", module="bucket_documents", support=_SERVED
    ),
    _bucket("PutBucketAccelerateConfiguration", "PUT", BUCKET_WRITE, "accelerate", body=_XML),
    _bucket("GetBucketCors", "GET", BUCKET_READ, "cors", module="bucket_documents", support=_SERVED),
    _bucket("PutBucketCors", "PUT", BUCKET_WRITE, "cors", body=_XML),
    _bucket("DeleteBucketCors", "DELETE", BUCKET_WRITE, "cors"),
    _bucket("GetBucketEncryption", "GET", BUCKET_READ, "encryption", module="bucket_documents", support=_SERVED),
    _bucket("PutBucketEncryption", "PUT", BUCKET_WRITE, "encryption", body=_XML),
    _bucket("DeleteBucketEncryption", "DELETE", BUCKET_WRITE, "encryption"),
    _bucket(
        "GetBucketLifecycleConfiguration", "GET", BUCKET_READ, "lifecycle", module="bucket_documents", support=_SERVED
    ),
    _bucket("PutBucketLifecycleConfiguration", "PUT", BUCKET_WRITE, "lifecycle", body=_XML),
    _bucket("GetBucketLifecycle", "GET", BUCKET_READ, "lifecycle", superseded_by="GetBucketLifecycleConfiguration"),
    _bucket(
        "PutBucketLifecycle",
        "PUT",
        BUCKET_WRITE,
        "lifecycle",
        superseded_by="PutBucketLifecycleConfiguration",
        body=_XML,
    ),
    _bucket("DeleteBucketLifecycle", "DELETE", BUCKET_WRITE, "lifecycle"),
    _bucket("GetBucketLogging", "GET", BUCKET_READ, "logging", module="bucket_documents", support=_SERVED),
    _bucket("PutBucketLogging", "PUT", BUCKET_WRITE, "logging", body=_XML),
    _bucket(
        "GetBucketNotificationConfiguration",
        "GET",
        BUCKET_READ,
        "notification",
        module="bucket_documents",
        support=_SERVED,
    ),
    _bucket("PutBucketNotificationConfiguration", "PUT", BUCKET_WRITE, "notification", body=_XML),
    _bucket(
        "GetBucketNotification", "GET", BUCKET_READ, "notification", superseded_by="GetBucketNotificationConfiguration"
    ),
    _bucket(
        "PutBucketNotification",
        "PUT",
        BUCKET_WRITE,
        "notification",
        superseded_by="PutBucketNotificationConfiguration",
        body=_XML,
    ),
    _bucket(
        "GetObjectLockConfiguration", "GET", BUCKET_READ, "object-lock", module="bucket_documents", support=_SERVED
    ),
    _bucket("PutObjectLockConfiguration", "PUT", BUCKET_WRITE, "object-lock", body=_XML),
    _bucket(
        "GetBucketOwnershipControls",
        "GET",
        BUCKET_READ,
        "ownershipControls",
        module="bucket_documents",
        support=_SERVED,
    ),
    _bucket("PutBucketOwnershipControls", "PUT", BUCKET_WRITE, "ownershipControls", body=_XML),
    _bucket("DeleteBucketOwnershipControls", "DELETE", BUCKET_WRITE, "ownershipControls"),
    _bucket("GetBucketPolicy", "GET", BUCKET_READ, "policy", module="bucket_documents", support=_SERVED),
    _bucket("PutBucketPolicy", "PUT", BUCKET_WRITE, "policy", body=_STREAM),
    _bucket("DeleteBucketPolicy", "DELETE", BUCKET_WRITE, "policy"),
    _bucket("GetBucketPolicyStatus", "GET", BUCKET_READ, "policyStatus", module="bucket_documents", support=_SERVED),
    _bucket(
        "GetPublicAccessBlock", "GET", BUCKET_READ, "publicAccessBlock", module="bucket_documents", support=_SERVED
    ),
    _bucket("PutPublicAccessBlock", "PUT", BUCKET_WRITE, "publicAccessBlock", body=_XML),
    _bucket("DeletePublicAccessBlock", "DELETE", BUCKET_WRITE, "publicAccessBlock"),
    _bucket("GetBucketReplication", "GET", BUCKET_READ, "replication", module="bucket_documents", support=_SERVED),
    _bucket("PutBucketReplication", "PUT", BUCKET_WRITE, "replication", body=_XML),
    _bucket("DeleteBucketReplication", "DELETE", BUCKET_WRITE, "replication"),
    _bucket(
        "GetBucketRequestPayment", "GET", BUCKET_READ, "requestPayment", module="bucket_documents", support=_SERVED
    ),
    _bucket("PutBucketRequestPayment", "PUT", BUCKET_WRITE, "requestPayment", body=_XML),
    _bucket("GetBucketTagging", "GET", BUCKET_READ, "tagging", module="bucket_documents", support=_SERVED),
    _bucket("PutBucketTagging", "PUT", BUCKET_WRITE, "tagging", body=_XML),
    _bucket("DeleteBucketTagging", "DELETE", BUCKET_WRITE, "tagging"),
    _bucket("GetBucketWebsite", "GET", BUCKET_READ, "website", module="bucket_documents", support=_SERVED),
    _bucket("PutBucketWebsite", "PUT", BUCKET_WRITE, "website", body=_XML),
    _bucket("DeleteBucketWebsite", "DELETE", BUCKET_WRITE, "website"),
)


def _report_rows(singular: str, subresource: str) -> tuple[Operation, ...]:
    """The four twins of analytics, inventory, metrics and tiering: one document by id, or the list of all."""
    by_id: dict[str, Any] = {"required": ("id",)}
    return (
        _bucket(f"GetBucket{singular}Configuration", "GET", BUCKET_READ, subresource, **by_id),
        _bucket(f"PutBucket{singular}Configuration", "PUT", BUCKET_WRITE, subresource, body=_XML, **by_id),
        _bucket(f"DeleteBucket{singular}Configuration", "DELETE", BUCKET_WRITE, subresource, **by_id),
        _bucket(f"ListBucket{singular}Configurations", "GET", BUCKET_READ, subresource),
    )


_REPORTS = (
    *_report_rows("Analytics", "analytics"),
    *_report_rows("IntelligentTiering", "intelligent-tiering"),
    *_report_rows("Inventory", "inventory"),
    *_report_rows("Metrics", "metrics"),
    _bucket("CreateBucketMetadataConfiguration", "POST", BUCKET_WRITE, "metadataConfiguration", body=_XML),
    _bucket("GetBucketMetadataConfiguration", "GET", BUCKET_READ, "metadataConfiguration"),
    _bucket("DeleteBucketMetadataConfiguration", "DELETE", BUCKET_WRITE, "metadataConfiguration"),
    _bucket("CreateBucketMetadataTableConfiguration", "POST", BUCKET_WRITE, "metadataTable", body=_XML),
    _bucket("GetBucketMetadataTableConfiguration", "GET", BUCKET_READ, "metadataTable"),
    _bucket("DeleteBucketMetadataTableConfiguration", "DELETE", BUCKET_WRITE, "metadataTable"),
    _bucket(
        "UpdateBucketMetadataAnnotationTableConfiguration", "PUT", BUCKET_WRITE, "metadataAnnotationTable", body=_XML
    ),
    _bucket(
        "UpdateBucketMetadataInventoryTableConfiguration", "PUT", BUCKET_WRITE, "metadataInventoryTable", body=_XML
    ),
    _bucket("UpdateBucketMetadataJournalTableConfiguration", "PUT", BUCKET_WRITE, "metadataJournalTable", body=_XML),
)

OPERATIONS: tuple[Operation, ...] = (*_BUCKETS, *_OBJECTS, *_LISTINGS, *_MULTIPART, *_CONFIGURATION, *_REPORTS)
