"""Writing a policy document."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from policies.difference import numbered
from policies.forms import EXAMPLE, DocumentForm
from policies.language.problems import Problem
from policies.publishing import (
    InvalidPolicy,
    create_policy,
    may_create,
    save_version,
)
from policies.queries import (
    load_policy_row,
)
from policies.reach import require_reach
from portal.access import Capability
from portal.kernel.errors import Forbidden
from portal.kernel.http import PersonRequest, attempt


def _document_page(
    request: PersonRequest, form: DocumentForm, problems: list[Problem], title: str, cancel: str
) -> HttpResponse:
    """The form with its text kept, and each problem with the line it is about."""
    lines = numbered(form.cleaned_data["text"]) if problems else []
    found = [(p, lines[p.line - 1].text if p.line <= len(lines) else "") for p in problems]
    context = {"form": form, "problems": found, "title": title, "cancel": cancel}
    status = 422 if form.errors or problems else 200
    return render(request, "policies/document_form.html", context, status=status)


@require_http_methods(["GET", "POST"])
def policy_new(request: PersonRequest) -> HttpResponse:
    """Write the first version of a policy."""
    if not may_create(request.user):
        raise Forbidden(
            _("You need the permission “draft policy” on the portal or on a project. An "
              "administrator can grant it."),
            code="missing-permission",
        )  # fmt: skip
    form = DocumentForm(request.POST or None, initial={"text": EXAMPLE})
    problems: list[Problem] = []
    try:
        made = attempt(form, create_policy, by=request.user)
    except InvalidPolicy as refusal:
        made, problems = None, list(refusal.problems)
    if made:
        messages.success(request, _("Policy saved as version 1. It is not in force yet."))
        return redirect("policy-version", made.policy_id, made.number)
    title, cancel = _("New policy"), reverse("policies")
    return _document_page(request, form, problems, title, cancel)


@require_http_methods(["GET", "POST"])
def version_new(request: PersonRequest, policy_id: UUID) -> HttpResponse:
    """Write the next version, beginning with the newest or the one the address names."""
    row = load_policy_row(request.user, policy_id)
    require_reach(request.user, Capability.DRAFT_POLICY, row.policy, None)
    form = DocumentForm(request.POST or None, initial={"text": row.newest.text})
    problems: list[Problem] = []
    try:
        made = attempt(form, save_version, by=request.user, policy=row.policy)
    except InvalidPolicy as refusal:
        made, problems = None, list(refusal.problems)
    if made:
        messages.success(
            request,
            _("Saved as version %(number)d. Somebody else has to publish it.")
            % {"number": made.number},
        )
        return redirect("policy-version", row.policy.pk, made.number)
    title = _("New version of %(policy)s") % {"policy": row.policy.name}
    cancel = reverse("policy", args=[row.policy.pk])
    return _document_page(request, form, problems, title, cancel)
