"""Pages of backtests: start one, watch it, read what came out."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.backtest.export import CHUNK, as_csv, as_json
from approvals.backtest.result import (
    Result,
    changed_page,
    changed_requests,
    load_backtest,
    version_to_try,
)
from approvals.backtest.seen import mark_seen, seen_by
from approvals.backtest.start import Wish, cancel_backtest, reached, start_backtest
from approvals.models import Backtest
from approvals.queries.visible import sight_of
from approvals.views.http import PersonRequest
from policies.models import PolicyVersion
from policies.simulation import Change
from portal.directory.queries import visible_projects
from portal.kernel.errors import NotFound

MOST_LISTED = 20
RANGES = (
    ("1000", gettext_lazy("The last 1,000 requests")),
    ("10000", gettext_lazy("The last 10,000 requests")),
    ("100000", gettext_lazy("The last 100,000 requests")),
    ("7d", gettext_lazy("The last 7 days")),
    ("30d", gettext_lazy("The last 30 days")),
    ("90d", gettext_lazy("The last 90 days")),
)


class BacktestForm(forms.Form):
    """Which stored requests are replayed."""

    range = forms.ChoiceField(label=gettext_lazy("Requests"), choices=RANGES, initial="10000")
    place = forms.ChoiceField(label=gettext_lazy("Where"), required=False)

    def __init__(self, *args: Any, places: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["place"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("Wherever this policy reaches")), *places]

    def wish(self) -> Wish:
        """What was chosen."""
        text, place = self.cleaned_data["range"], self.cleaned_data["place"]
        if text.endswith("d"):
            return Wish(days=int(text[:-1]), place=place)
        return Wish(most=int(text), place=place)


def _places(person: Any, version: PolicyVersion) -> list[tuple[str, str]]:
    """Projects and environments that the policy reaches and `person` may see as a whole."""
    seen = set(visible_projects(person).values_list("pk", flat=True))
    found: dict[str, str] = {}
    for environment in reached(version.policy):
        project = environment.project
        if project.pk in seen:
            found.setdefault(str(project.pk), project.slug)
            found[str(environment.pk)] = f"{project.slug} · {environment.name}"
    return list(found.items())


@require_http_methods(["GET", "POST"])
def backtests(request: PersonRequest, policy_id: UUID, number: int) -> HttpResponse:
    """Start a backtest of a version; those there were."""
    version = version_to_try(request.user, policy_id, number)
    form = BacktestForm(request.POST or None, places=_places(request.user, version))
    if request.method == "POST" and form.is_valid():
        started, new = start_backtest(by=request.user, version=version, wish=form.wish())
        if not new:
            messages.info(request, _("A backtest of this version was running already."))
        return _to(started)
    context = {
        "version": version,
        "form": form,
        "backtests": version.backtests.select_related("started_by").order_by("-created_at")[
            :MOST_LISTED
        ],
    }
    return render(request, "approvals/backtests.html", context, status=422 if form.errors else 200)


def _to(backtest: Backtest) -> HttpResponse:
    version = backtest.version
    return redirect("backtest", version.policy_id, version.number, backtest.pk)


@require_safe
def backtest(
    request: PersonRequest, policy_id: UUID, number: int, backtest_id: UUID
) -> HttpResponse:
    """How far it is, or what came out."""
    found = load_backtest(request.user, policy_id, number, backtest_id)
    if request.htmx:
        return _progress(request, found)
    context: dict[str, Any] = {"backtest": found, "version": found.version}
    if found.state == Backtest.State.DONE:
        context |= _result(request, found)
        context["seen"] = seen_by(found.version, request.user)
    return render(request, "approvals/backtest.html", context)


def _progress(request: PersonRequest, found: Backtest) -> HttpResponse:
    """The part that moves; a finished one is read as a whole page."""
    if not found.open:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "approvals/_backtest_progress.html", {"backtest": found})


def _result(request: PersonRequest, found: Backtest) -> dict[str, Any]:
    only = _known_change(request.GET.get("change", ""))
    page = changed_page(request.user, found, only, request.GET.get("after", ""))
    here = request.path
    query = f"change={only}&" if only else ""
    return {
        "result": Result(found),
        "page": page,
        "only": Change.read(only) if only else None,
        "sees_all": sight_of(request.user).projects is None,
        "newest_url": f"{here}?{query}" if request.GET.get("after") else "",
        "older_url": f"{here}?{query}after={page.next_cursor}" if page.next_cursor else "",
    }


def _known_change(text: str) -> str:
    try:
        return str(Change.read(text))
    except ValueError:
        return ""


@require_POST
def backtest_seen(
    request: PersonRequest, policy_id: UUID, number: int, backtest_id: UUID
) -> HttpResponse:
    """The reader says that they looked at the result: publishing asks for that."""
    found = load_backtest(request.user, policy_id, number, backtest_id)
    if found.state != Backtest.State.DONE:
        raise NotFound(_("This backtest has no result yet."))
    mark_seen(by=request.user, backtest=found)
    messages.success(request, _("Recorded. The version can be published now."))
    return _to(found)


@require_POST
def backtest_cancel(
    request: PersonRequest, policy_id: UUID, number: int, backtest_id: UUID
) -> HttpResponse:
    """Stop it."""
    found = load_backtest(request.user, policy_id, number, backtest_id)
    return _to(cancel_backtest(by=request.user, backtest=found))


@require_POST
def backtest_again(
    request: PersonRequest, policy_id: UUID, number: int, backtest_id: UUID
) -> HttpResponse:
    """The same wish once more, over the requests there are now."""
    found = load_backtest(request.user, policy_id, number, backtest_id)
    wish = Wish(**found.wish)
    return _to(start_backtest(by=request.user, version=found.version, wish=wish)[0])


@require_safe
def backtest_file(
    request: PersonRequest, policy_id: UUID, number: int, backtest_id: UUID, form: str
) -> StreamingHttpResponse:
    """The result as a file, with the changed requests that the reader may see."""
    found = load_backtest(request.user, policy_id, number, backtest_id)
    if found.state != Backtest.State.DONE:
        raise NotFound(_("This backtest has no result yet."))
    rows = changed_requests(request.user, found).iterator(chunk_size=CHUNK)
    parts: Iterable[str | bytes] = as_json(Result(found), rows) if form == "json" else as_csv(rows)
    name = f"{found.version.policy.name}-v{number}-backtest.{form}"
    kind = "application/json" if form == "json" else "text/csv; charset=utf-8"
    disposition = f'attachment; filename="{name}"'
    return StreamingHttpResponse(
        parts, content_type=kind, headers={"Content-Disposition": disposition}
    )
