"""What every admin page derives from: changes go through services, refusals come back as form errors.

The one place that knows django-unfold's class, so that the stock admin stays a retreat.
"""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin as StockModelAdmin
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from unfold.admin import ModelAdmin

from control.models import AdminUser
from control.request_ids import request_id_of
from control.services.origin import Origin
from dataplane.errors import DomainError


def origin_of(request: HttpRequest) -> Origin:
    user = cast(AdminUser, request.user)
    return Origin(actor=f"user:{user.get_username()}", request_id=request_id_of(request))


class _ServicesOwnTransactions(StockModelAdmin):  # type: ignore[type-arg]
    """Django wraps a whole page in one transaction. A service that spans both databases commits step by step, and
    must not find its first step rolled back by the page's last one."""

    @method_decorator(csrf_protect)
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]

    @method_decorator(csrf_protect)
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined,no-any-return]
        except DomainError as error:
            messages.error(request, str(error))
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return HttpResponseRedirect(reverse(name, args=[object_id]))


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg]
    """Hands the validated fields to a service as the last step of validation, so that what the service refuses
    stands beside what the person typed. `is_valid()` therefore writes; the admin calls it once for a POST."""

    request: HttpRequest

    def create(self, given: dict[str, Any], origin: Origin) -> models.Model:
        raise PermissionError(f"{self._meta.model.__name__} rows are not made by hand")

    def change(self, row: Any, given: dict[str, Any], origin: Origin) -> models.Model:
        raise PermissionError(f"{self._meta.model.__name__} rows are not changed by hand")

    def _post_clean(self) -> None:
        # Not super(): the service checks names, uniqueness and limits, with better messages.
        if self.errors:
            return
        try:
            if self.instance.pk is None:
                self.instance = self.create(self.cleaned_data, origin_of(self.request))
            else:
                self.instance = self.change(self.instance, self.cleaned_data, origin_of(self.request))
        except DomainError as error:
            self.add_error(None, str(error))

    def save(self, commit: bool = True) -> Any:
        return self.instance

    def save_m2m(self) -> None:
        """Nothing: the service has written everything."""


class ConsoleAdmin(ModelAdmin, _ServicesOwnTransactions):  # type: ignore[misc]
    """Read only unless a subclass gives forms: `add_form_class`, `change_form_class`, `remove`."""

    add_form_class: type[ServiceForm] | None = None
    change_form_class: type[ServiceForm] | None = None
    removable = False
    actions = None  # one row at a time: each change has its own service call and audit row
    list_per_page = 50
    show_full_result_count = False
    compressed_fields = True
    list_filter_submit = True

    def remove(self, row: Any, origin: Origin) -> None:
        raise PermissionError(f"{self.model.__name__} rows are not deleted by hand")

    def get_form(
        self, request: HttpRequest, obj: models.Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form_class = self.change_form_class if obj is not None else self.add_form_class
        if form_class is not None and self._may_write(request, obj):
            kwargs["form"] = form_class
            kwargs["fields"] = list(form_class.base_fields)
            form: Any = super().get_form(request, obj, change, **kwargs)
            form.request = request  # the class is made for this request
            return form
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        shown = self.get_readonly_fields(request, obj) if obj is not None else ()
        return [*self._editable(request, obj), *shown]

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        editable = self._editable(request, obj)
        return [name for name in self.readonly_fields if name not in editable]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.add_form_class is not None and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.change_form_class is not None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.removable and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Nothing: the form's service has written it."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.remove(obj, origin_of(request))

    def _editable(self, request: HttpRequest, obj: models.Model | None) -> list[str]:
        form_class = self.change_form_class if obj is not None else self.add_form_class
        return list(form_class.base_fields) if form_class and self._may_write(request, obj) else []

    def _may_write(self, request: HttpRequest, obj: models.Model | None) -> bool:
        return self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)
