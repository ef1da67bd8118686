"""What the administrator's commands print of each kind of row. Never a secret."""

from __future__ import annotations

from typing import Any

from control.models import AdminUser, App, AuditEntry, Bucket, Credential, Grant, Region, Tenant

REGION_COLUMNS = ("name", "nodes", "stores", "buckets", "created_at")
TENANT_COLUMNS = ("name", "enabled", "apps", "buckets", "bucket_limit", "created_at")
APP_COLUMNS = ("tenant", "name", "enabled", "client_ids", "created_at")
CREDENTIAL_COLUMNS = ("client_id", "tenant", "app", "enabled", "created_at", "rotated_at")
GRANT_COLUMNS = ("tenant", "app", "action", "resource", "created_at")
BUCKET_COLUMNS = ("name", "tenant", "region", "state", "public_read", "object_lock", "created_at")
USER_COLUMNS = ("username", "email", "role", "active", "last_login", "created_at")
AUDIT_COLUMNS = ("id", "created_at", "actor", "action", "target", "reason")


def region_row(region: Region) -> dict[str, Any]:
    return {
        "name": region.name,
        "nodes": region.nodes.count(),
        "stores": region.stores.count(),
        "buckets": region.buckets.count(),
        "created_at": region.created_at,
    }


def tenant_row(tenant: Tenant) -> dict[str, Any]:
    return {
        "name": tenant.name,
        "enabled": tenant.enabled,
        "apps": tenant.apps.count(),
        "buckets": tenant.buckets.count(),
        "bucket_limit": tenant.bucket_limit,
        "created_at": tenant.created_at,
    }


def app_row(app: App) -> dict[str, Any]:
    return {
        "tenant": app.tenant.name,
        "name": app.name,
        "enabled": app.enabled,
        "client_ids": [credential.access_key for credential in app.credentials.all()],
        "created_at": app.created_at,
    }


def credential_row(credential: Credential) -> dict[str, Any]:
    return {
        "client_id": credential.access_key,
        "tenant": credential.app.tenant.name,
        "app": credential.app.name,
        "enabled": credential.enabled,
        "created_at": credential.created_at,
        "rotated_at": credential.rotated_at,
    }


def grant_row(grant: Grant) -> dict[str, Any]:
    return {
        "tenant": grant.app.tenant.name,
        "app": grant.app.name,
        "action": grant.action,
        "resource": grant.resource,
        "created_at": grant.created_at,
    }


def bucket_row(bucket: Bucket) -> dict[str, Any]:
    return {
        "name": bucket.name,
        "tenant": bucket.tenant.name,
        "region": bucket.region.name,
        "state": bucket.state,
        "public_read": bucket.public_read,
        "object_lock": bucket.object_lock,
        "created_at": bucket.created_at,
    }


def user_row(user: AdminUser) -> dict[str, Any]:
    return {
        "username": user.username,
        "email": user.email,
        "role": user.role,
        "active": user.is_active,
        "last_login": user.last_login,
        "created_at": user.date_joined,
    }


def audit_row(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "created_at": entry.created_at,
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "tenant": entry.tenant,
        "reason": entry.reason,
        "request_id": entry.request_id,
        "before": entry.before,
        "after": entry.after,
    }
