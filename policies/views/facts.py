"""Every fact a policy may name, for whoever writes one."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from policies.language.reference import kind_words, meaning
from policies.language.schema import CURRENT_SCHEMA, SCHEMAS
from policies.language.template import show
from portal.kernel.http import PersonRequest


@dataclass(frozen=True)
class FactLine:
    """One fact in words."""

    name: str
    kind: str
    claimed: bool
    meaning: str
    example: str


@require_safe
def facts(request: PersonRequest) -> HttpResponse:
    """One long page, so that the browser can search it; each fact has an anchor of its name."""
    groups: dict[str, list[FactLine]] = {}
    for fact in SCHEMAS[CURRENT_SCHEMA].values():
        line = FactLine(
            fact.name, kind_words(fact), fact.claimed, meaning(fact), show(fact.example)
        )
        groups.setdefault(fact.source, []).append(line)
    context = {"schema": CURRENT_SCHEMA, "groups": list(groups.items())}
    return render(request, "policies/facts.html", context)
