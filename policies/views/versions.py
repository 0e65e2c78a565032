"""One version of a policy."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from policies.difference import difference, numbered
from policies.language.testing import run_cases
from policies.queries import (
    BrokenPolicy,
    document_of,
    load_policy_row,
    load_version,
)
from policies.sources.queries import origin_of
from policies.views.policies import may
from portal.access import Capability
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
    tests = run_cases(document) if document else ()
    current = found.in_force
    in_force = current is not None and current.pk == shown.pk
    asking = (Capability.DRAFT_POLICY, Capability.PUBLISH_POLICY)
    may_ask = document is not None and any(may(request, one, found, document) for one in asking)
    context = {
        "policy": found,
        "version": shown,
        "document": document,
        "tests": tests,
        "failed": sum(not test.passed for test in tests),
        "reads": sorted(document.reads) if document else [],
        "problem": problem,
        "lines": numbered(shown.text),
        "in_force": in_force,
        "difference": difference(current.text, shown.text) if current and not in_force else [],
        "origin": origin_of(shown),
        "may_ask": may_ask and not in_force,
        "may_backtest": may_ask,
    }
    return render(request, "policies/version.html", context)
