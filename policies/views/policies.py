"""The list of policies, and one policy."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from policies.language.document import PolicyDocument
from policies.models import Policy
from policies.publishing import (
    may_create,
)
from policies.queries import (
    BrokenPolicy,
    load_policy_row,
    policy_rows,
    versions_of,
)
from policies.reach import may_reach
from portal.access import Capability, holds
from portal.kernel.http import PersonRequest


@require_safe
def policies(request: PersonRequest) -> HttpResponse:
    """The policies the reader may see, with what is in force."""
    context = {
        "rows": policy_rows(request.user),
        "may_create": may_create(request.user),
        "may_administer": holds(request.user, Capability.ADMINISTER),
    }
    return render(request, "policies/policies.html", context)


@require_safe
def policy(request: PersonRequest, policy_id: UUID) -> HttpResponse:
    """One policy with its versions."""
    row = load_policy_row(request.user, policy_id)
    may_draft = may(request, Capability.DRAFT_POLICY, row.policy, None)
    may_publish = may(request, Capability.PUBLISH_POLICY, row.policy, None)
    context = {
        "row": row,
        "policy": row.policy,
        "versions": versions_of(row.policy),
        "may_draft": may_draft,
        "may_retire": row.policy.in_force is not None and (may_draft or may_publish),
        "may_backtest": may_draft or may_publish,
    }
    return render(request, "policies/policy.html", context)


def may(
    request: PersonRequest,
    capability: Capability,
    found: Policy,
    document: PolicyDocument | None,
) -> bool:
    """Whether the reader may; not, where what is in force cannot be read."""
    try:
        return may_reach(request.user, capability, found, document)
    except BrokenPolicy:
        return False
