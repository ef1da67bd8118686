"""Cursor pagination for every listing: stable while rows come and go, one index range a page."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class IdPagination(CursorPagination):
    """Oldest first."""

    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"
    ordering = "id"


class NewestFirstPagination(IdPagination):
    ordering = "-id"
