"""Asking that a policy version be published or retired: the difference first, then the request."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from approvals.context.backtested import backtest_seen
from approvals.lifecycle.propose import Move, propose
from approvals.views.http import PersonRequest
from policies.difference import difference, numbered
from policies.language.problems import Problem
from policies.models import PolicyVersion
from policies.publishing import InvalidPolicy, require_proposal
from policies.queries import load_policy_row, load_version
from policies.sources.queries import load_source, new_versions
from portal.access import Capability, require
from portal.kernel.errors import Conflict, Forbidden, Invalid, Refused


@require_http_methods(["GET", "POST"])
def publish(request: PersonRequest, policy_id: UUID, number: int) -> HttpResponse:
    """Ask somebody else to publish a version."""
    found = load_policy_row(request.user, policy_id).policy
    return _ask(request, load_version(found, number), "publish")


@require_http_methods(["GET", "POST"])
def retire(request: PersonRequest, policy_id: UUID) -> HttpResponse:
    """Ask somebody else to take a policy out of force."""
    found = load_policy_row(request.user, policy_id).policy
    if found.in_force is None:
        raise Conflict(_("Nothing of this policy is in force."), code="not-in-force")
    return _ask(request, found.in_force, "retire")


@require_POST
def publish_new(request: PersonRequest, source_id: UUID) -> HttpResponse:
    """Ask that everything new from a source of policy files be published: a request for each."""
    require(request.user, Capability.ADMINISTER)
    source, asked = load_source(source_id), 0
    for version in new_versions(source):
        try:
            propose(by=request.user, version=version, move="publish", reason=version.note)
            asked += 1
        except InvalidPolicy as refusal:
            said = f"{refusal.sentence} {refusal.problems[0]}"
            messages.error(request, f"{version}: {said}")
        except (Conflict, Forbidden, Invalid) as refusal:
            messages.error(request, f"{version}: {refusal.sentence}")
    if asked:
        text = ngettext("Asked for %(n)d policy.", "Asked for %(n)d policies.", asked)
        messages.success(request, text % {"n": asked})
    return redirect("policy-source", source.pk)


def _ask(request: PersonRequest, version: PolicyVersion, move: Move) -> HttpResponse:
    require_proposal(request.user, version)
    if request.method == "GET":
        return _page(request, version, move)
    reason = request.POST.get("reason", "").replace("\r\n", "\n").strip()
    try:
        made = propose(by=request.user, version=version, move=move, reason=reason)
    except InvalidPolicy as refusal:
        return _page(request, version, move, refusal, reason=reason, problems=refusal.problems)
    except (Conflict, Forbidden, Invalid) as refusal:
        return _page(request, version, move, refusal, reason=reason)
    messages.success(request, _("Asked. Somebody else decides on it in the queue."))
    return redirect(reverse("request", args=[made.pk]))


def _page(
    request: PersonRequest,
    version: PolicyVersion,
    move: Move,
    refusal: Refused | None = None,
    *,
    reason: str = "",
    problems: tuple[Problem, ...] = (),
) -> HttpResponse:
    policy, current = version.policy, version.policy.in_force
    context: dict[str, Any] = {
        "policy": policy,
        "version": version,
        "current": current,
        "move": move,
        "lines": difference(current.text, version.text) if current else numbered(version.text),
        "reason": reason,
        "sentence": refusal.sentence if refusal and not problems else "",
        "problems": problems,
        "not_backtested": move == "publish" and not backtest_seen(version),
    }
    status = refusal.status if refusal else 200
    return render(request, "approvals/propose.html", context, status=status)
