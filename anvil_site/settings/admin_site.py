"""The look of the Django admin (django-unfold)."""

from __future__ import annotations

UNFOLD = {
    "SITE_TITLE": "Anvil",
    "SITE_HEADER": "Anvil",
    "SITE_SUBHEADER": "object store",
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "control.admin.dashboard.fill",
}
