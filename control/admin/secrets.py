"""Shows a fresh secret in the reply to the POST that made it: nothing of it is kept, in a session or elsewhere."""

from __future__ import annotations

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from control.services.credentials import IssuedCredential


def shown_once(
    admin: ModelAdmin,  # type: ignore[type-arg]
    request: HttpRequest,
    issued: IssuedCredential,
    *,
    back_url: str,
) -> HttpResponse:
    app = issued.credential.app
    context = {
        **admin.admin_site.each_context(request),
        "title": f"Credential of {app.tenant.name}/{app.name}",
        "issued": issued,
        "back_url": back_url,
        "opts": admin.opts,
    }
    # The admin site forbids caching of all its pages.
    return TemplateResponse(request, "control/admin/secret_shown_once.html", context)
