"""Apps, credentials and grants."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from control.admin.base import ConsoleAdmin, ServiceForm, origin_of
from control.admin.secrets import shown_once
from control.deployment import installed
from control.models import App, Credential, Grant
from control.services import apps, credentials, policies
from control.services.credentials import IssuedCredential
from control.services.origin import Origin


class IssuingForm(ServiceForm):
    issued: IssuedCredential


class AppAddForm(IssuingForm):
    class Meta:
        model = App
        fields = ["tenant", "name"]

    def create(self, given: dict[str, Any], origin: Origin) -> App:
        self.issued = apps.create(given["tenant"], given["name"], key_ring=installed().key_ring, origin=origin)
        return self.issued.credential.app


class AppChangeForm(ServiceForm):
    class Meta:
        model = App
        fields = ["enabled"]

    def change(self, row: App, given: dict[str, Any], origin: Origin) -> App:
        return apps.set_enabled(row, enabled=given["enabled"], origin=origin)


class IssuingAdmin(ConsoleAdmin):
    """Answers an addition with the page that shows the secret."""

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        if isinstance(form, IssuingForm):
            request.anvil_issued = form.issued  # type: ignore[attr-defined]
        return super().save_form(request, form, change)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        back_url = reverse(f"admin:control_{self.opts.model_name}_change", args=[obj.pk])
        return shown_once(self, request, request.anvil_issued, back_url=back_url)  # type: ignore[attr-defined]


@admin.register(App)
class AppAdmin(IssuingAdmin):
    list_display = ("name", "tenant", "enabled", "created_at")
    list_filter = ("enabled", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("name", "tenant__name")
    readonly_fields = ("tenant", "name", "enabled", "keys", "rights", "created_at")
    add_form_class = AppAddForm
    change_form_class = AppChangeForm
    removable = True

    @admin.display(description="Credentials")
    def keys(self, app: App) -> str:
        url = reverse("admin:control_credential_changelist")
        return format_html('<a href="{}?app__id__exact={}">{}</a>', url, app.pk, f"{app.credentials.count()} keys")

    @admin.display(description="Grants")
    def rights(self, app: App) -> str:
        url = reverse("admin:control_grant_changelist")
        return format_html('<a href="{}?app__id__exact={}">{}</a>', url, app.pk, f"{app.grants.count()} grants")

    def remove(self, row: App, origin: Origin) -> None:
        apps.delete(row, origin=origin)


class CredentialAddForm(IssuingForm):
    class Meta:
        model = Credential
        fields = ["app"]

    def create(self, given: dict[str, Any], origin: Origin) -> Credential:
        self.issued = credentials.issue(given["app"], key_ring=installed().key_ring, origin=origin)
        return self.issued.credential


class CredentialChangeForm(ServiceForm):
    class Meta:
        model = Credential
        fields = ["enabled"]

    def change(self, row: Credential, given: dict[str, Any], origin: Origin) -> Credential:
        return credentials.set_enabled(row, enabled=given["enabled"], origin=origin)


@admin.register(Credential)
class CredentialAdmin(IssuingAdmin):
    list_display = ("access_key", "app", "enabled", "rotated_at")
    list_filter = ("enabled", "app__tenant")
    list_select_related = ("app__tenant",)
    search_fields = ("access_key", "app__name")
    readonly_fields = ("access_key", "app", "enabled", "key_id", "secret", "created_at", "rotated_at")
    add_form_class = CredentialAddForm
    change_form_class = CredentialChangeForm
    removable = True

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "app__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description="Secret")
    def secret(self, credential: Credential) -> str:
        url = reverse("admin:control_credential_reset_secret", args=[credential.pk])
        return format_html('never shown again · <a href="{}">reset it</a>', url)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.reset_secret_view)
        return [
            path("<int:pk>/reset-secret/", view, name="control_credential_reset_secret"),
            *super().get_urls(),
        ]

    def reset_secret_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        credential = self.get_queryset(request).select_related("app__tenant").filter(pk=pk).first()
        if credential is None:
            raise Http404(f"no credential {pk}")
        if not self.has_change_permission(request, credential):
            raise PermissionDenied
        back_url = reverse("admin:control_credential_change", args=[pk])
        if request.method == "POST":
            issued = credentials.reset_secret(credential, key_ring=installed().key_ring, origin=origin_of(request))
            return shown_once(self, request, issued, back_url=back_url)
        context = {
            **self.admin_site.each_context(request),
            "title": "Reset a secret",
            "credential": credential,
            "back_url": back_url,
            "opts": self.opts,
        }
        return TemplateResponse(request, "control/admin/reset_secret.html", context)

    def remove(self, row: Credential, origin: Origin) -> None:
        credentials.delete(row, origin=origin)


class GrantAddForm(ServiceForm):
    class Meta:
        model = Grant
        fields = ["app", "action", "resource"]

    def create(self, given: dict[str, Any], origin: Origin) -> Grant:
        grant, _ = policies.grant(given["app"], action=given["action"], resource=given["resource"], origin=origin)
        return grant


@admin.register(Grant)
class GrantAdmin(ConsoleAdmin):
    list_display = ("app", "action", "resource", "created_at")
    list_filter = ("action", "app__tenant")
    list_select_related = ("app__tenant",)
    search_fields = ("app__name", "action", "resource")
    readonly_fields = ("app", "action", "resource", "created_at")
    add_form_class = GrantAddForm
    removable = True

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "app__id__exact" or super().lookup_allowed(lookup, value, request)

    def remove(self, row: Grant, origin: Origin) -> None:
        policies.revoke(row.app, action=row.action, resource=row.resource, origin=origin)
