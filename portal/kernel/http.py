"""What every page's view needs: who reads, forms that call services, confirmations, pages."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.middleware import HtmxDetails

from portal.kernel.errors import Conflict, Invalid

T = TypeVar("T")
M = TypeVar("M", bound=Model)

PAGE_SIZE = 50


class PersonRequest(HttpRequest):
    """A request that the sign-in middleware let through: `user` is a person. Maybe by htmx."""

    htmx: HtmxDetails
    user: Any


def _plain(value: Any) -> Any:
    """Browsers send CRLF; what is stored and hashed must not depend on who sent it."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def attempt(form: BaseForm, service: Callable[..., T], **given: Any) -> T | None:
    """Call `service` with the form's data; None when the form or the service has objections.

    An Invalid goes beside the fields it names, a Conflict above the form. Other refusals pass.
    """
    if not form.is_valid():
        return None
    try:
        return service(**given, **{n: _plain(value) for n, value in form.cleaned_data.items()})
    except Invalid as refusal:
        for error in refusal.extra.get("errors", [{"field": "", "message": refusal.sentence}]):
            form.add_error(
                error["field"] if error["field"] in form.fields else None, error["message"]
            )
    except Conflict as refusal:
        form.add_error(None, refusal.sentence)
    return None


def form_page(
    request: HttpRequest,
    form: BaseForm,
    *,
    title: str,
    submit: str,
    cancel: str,
    intro: str = "",
    **context: Any,
) -> HttpResponse:
    """A page with one form; 422 when it comes back with objections."""
    status = 422 if form.is_bound and form.errors else 200
    context |= {"form": form, "title": title, "submit": submit, "cancel": cancel, "intro": intro}
    return render(request, "portal/form_page.html", context, status=status)


def ask_first(
    request: HttpRequest, *, title: str, text: str, submit: str, cancel: str
) -> HttpResponse | None:
    """The page that asks before something hard to undo; None once it was answered (POST)."""
    if request.method == "POST":
        return None
    context = {"title": title, "text": text, "submit": submit, "cancel": cancel}
    return render(request, "portal/confirm.html", context)


def page_of(request: HttpRequest, rows: QuerySet[M]) -> Page[M]:
    """The page of `rows` that the address asks for; the nearest there is for a wrong number."""
    return Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
