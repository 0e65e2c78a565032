"""One version, and publishing it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from policies.difference import difference, numbered
from policies.models import Policy, PolicyVersion
from policies.publishing import (
    InvalidPolicy,
    own_version_refusal,
    publish_version,
)
from policies.queries import (
    BrokenPolicy,
    document_of,
    load_policy_row,
    load_version,
)
from policies.reach import require_reach
from policies.views.policies import may
from portal.access import Capability
from portal.kernel.errors import Forbidden
from portal.kernel.http import PersonRequest


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
    may_publish = document is not None and may(request, Capability.PUBLISH_POLICY, found, document)
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
