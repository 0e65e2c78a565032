"""Pages of policies and their versions."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from policies.difference import difference, numbered
from policies.forms import EXAMPLE, DocumentForm
from policies.language.document import PolicyDocument
from policies.language.problems import Problem
from policies.models import Policy, PolicyVersion
from policies.publishing import (
    InvalidPolicy,
    create_policy,
    may_create,
    own_version_refusal,
    publish_version,
    retire_policy,
    save_version,
)
from policies.queries import (
    BrokenPolicy,
    document_of,
    load_policy_row,
    load_version,
    policy_rows,
    versions_of,
)
from policies.reach import may_reach, require_reach
from portal.access import Capability
from portal.directory.views.roles import RolesOf, role_revoke_page, roles_page
from portal.kernel.errors import Forbidden
from portal.kernel.http import PersonRequest, ask_first, attempt


@require_safe
def policies(request: PersonRequest) -> HttpResponse:
    """The policies the reader may see, with what is in force."""
    context = {"rows": policy_rows(request.user), "may_create": may_create(request.user)}
    return render(request, "policies/policies.html", context)


@require_safe
def policy(request: PersonRequest, policy_id: UUID) -> HttpResponse:
    """One policy with its versions."""
    row = load_policy_row(request.user, policy_id)
    context = {
        "row": row,
        "policy": row.policy,
        "versions": versions_of(row.policy),
        "may_draft": _may(request, Capability.DRAFT_POLICY, row.policy, None),
        "may_retire": row.policy.in_force is not None
        and _may(request, Capability.PUBLISH_POLICY, row.policy, None),
    }
    return render(request, "policies/policy.html", context)


def _may(
    request: PersonRequest,
    capability: Capability,
    found: Policy,
    document: PolicyDocument | None,
) -> bool:
    try:
        return may_reach(request.user, capability, found, document)
    except BrokenPolicy:
        return False


@require_safe
def version(request: PersonRequest, policy_id: UUID, number: int) -> HttpResponse:
    """One version: its document, and how it differs from what is in force."""
    found = load_policy_row(request.user, policy_id).policy
    shown = load_version(found, number)
    try:
        document, problem = document_of(shown), ""
    except BrokenPolicy as broken:
        document, problem = None, broken.sentence
    current = found.in_force
    in_force = current is not None and current.pk == shown.pk
    may_publish = document is not None and _may(request, Capability.PUBLISH_POLICY, found, document)
    context = {
        "policy": found,
        "version": shown,
        "document": document,
        "reads": sorted(document.reads) if document else [],
        "problem": problem,
        "lines": numbered(shown.text),
        "in_force": in_force,
        "difference": difference(current.text, shown.text) if current and not in_force else [],
        "refusal": own_version_refusal(request.user, shown),
        "may_publish": may_publish and not in_force,
    }
    return render(request, "policies/version.html", context)


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


@require_http_methods(["GET", "POST"])
def version_publish(request: PersonRequest, policy_id: UUID, number: int) -> HttpResponse:
    """Publish a version: GET shows what changes and asks, POST does it."""
    found = load_policy_row(request.user, policy_id).policy
    shown = load_version(found, number)
    require_reach(request.user, Capability.PUBLISH_POLICY, found, document_of(shown))
    if sentence := own_version_refusal(request.user, shown):
        raise Forbidden(sentence, code="own-version")
    if request.method == "GET":
        return _publish_page(request, found, shown)
    try:
        publish_version(by=request.user, version=shown, instead_of=_seen(request))
    except InvalidPolicy as refusal:
        return _publish_page(request, found, shown, problems=refusal.problems)
    messages.success(request, _("%(version)s is in force.") % {"version": shown})
    return redirect("policy", found.pk)


def _publish_page(
    request: PersonRequest, found: Policy, shown: PolicyVersion, **extra: Any
) -> HttpResponse:
    current = found.in_force
    context = {
        "policy": found,
        "version": shown,
        "current": current,
        "lines": difference(current.text, shown.text) if current else numbered(shown.text),
        **extra,
    }
    return render(request, "policies/publish.html", context, status=422 if extra else 200)


def _seen(request: PersonRequest) -> UUID | None:
    """The version that was in force on the screen; anything unreadable matches none that is."""
    value = request.POST.get("instead_of", "")
    try:
        return UUID(value) if value else None
    except ValueError:
        return UUID(int=0)


@require_http_methods(["GET", "POST"])
def policy_retire(request: PersonRequest, policy_id: UUID) -> HttpResponse:
    """Take a policy out of force, after asking."""
    found = load_policy_row(request.user, policy_id).policy
    require_reach(request.user, Capability.PUBLISH_POLICY, found, None)
    question = ask_first(
        request,
        title=_("Retire %(policy)s?") % {"policy": found.name},
        text=_("It no longer asks for anything. What no other policy matches is denied from then "
               "on. Requests already judged keep the version they were judged by. Its versions "
               "stay and can be published again."),
        submit=_("Retire policy"),
        cancel=reverse("policy", args=[found.pk]),
    )  # fmt: skip
    if question:
        return question
    retire_policy(by=request.user, policy=found)
    messages.success(request, _("Policy retired."))
    return redirect("policy", found.pk)


def _roles_of(request: PersonRequest, policy_id: UUID) -> RolesOf:
    found = load_policy_row(request.user, policy_id).policy
    args = [found.pk]
    return RolesOf(found, found.name, reverse("policy", args=args),
                   reverse("policy-roles", args=args))  # fmt: skip


@require_http_methods(["GET", "POST"])
def policy_roles(request: PersonRequest, policy_id: UUID) -> HttpResponse:
    """Roles on a policy."""
    return roles_page(request, _roles_of(request, policy_id))


@require_http_methods(["GET", "POST"])
def policy_role_revoke(
    request: PersonRequest, policy_id: UUID, person_id: UUID, role: str
) -> HttpResponse:
    return role_revoke_page(request, _roles_of(request, policy_id), person_id, role)
