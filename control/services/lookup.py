"""Finds rows by the names that people type; raises `NoSuchResource` or `NoSuchBucket` where there are none."""

from __future__ import annotations

from control.models import AdminUser, App, Bucket, Credential, Region, Tenant
from dataplane.errors import InvalidArgument, NoSuchBucket, NoSuchResource


def region_named(name: str) -> Region:
    region = Region.objects.filter(name=name).first()
    if region is None:
        raise NoSuchResource("region", name)
    return region


def tenant_named(name: str) -> Tenant:
    tenant = Tenant.objects.filter(name=name).first()
    if tenant is None:
        raise NoSuchResource("tenant", name)
    return tenant


def app_named(name: str, *, tenant_name: str | None = None) -> App:
    """The tenant may be left out while one tenant only has an app of that name."""
    apps = App.objects.select_related("tenant").filter(name=name)
    if tenant_name is not None:
        app = apps.filter(tenant=tenant_named(tenant_name)).first()
        if app is None:
            raise NoSuchResource("app", f"{tenant_name}/{name}")
        return app
    found = list(apps.order_by("tenant__name")[:2])
    if not found:
        raise NoSuchResource("app", name)
    if len(found) > 1:
        raise InvalidArgument("app name", name, "several tenants have an app of this name; name the tenant too.")
    return found[0]


def credential_of(access_key: str) -> Credential:
    credential = Credential.objects.select_related("app__tenant").filter(access_key=access_key).first()
    if credential is None:
        raise NoSuchResource("credential", access_key)
    return credential


def bucket_named(name: str) -> Bucket:
    bucket = Bucket.objects.select_related("tenant", "region").filter(name=name).first()
    if bucket is None:
        raise NoSuchBucket(name)
    return bucket


def user_named(username: str) -> AdminUser:
    user = AdminUser.objects.filter(username=username).first()
    if user is None:
        raise NoSuchResource("user", username)
    return user
