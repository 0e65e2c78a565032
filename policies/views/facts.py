"""Every fact a policy may name, for whoever writes one."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from policies.language.reference import by_group, families, kind_words, meaning
from policies.language.schema import CURRENT_SCHEMA, GROUPS, FactType
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
    groups = [
        (group, GROUPS[group], [_line(fact) for fact in found])
        for group, found in by_group(CURRENT_SCHEMA).items()
    ]
    context = {
        "schema": CURRENT_SCHEMA,
        "groups": groups,
        "families": [_line(fact) for fact in families(CURRENT_SCHEMA)],
    }
    return render(request, "policies/facts.html", context)


def _line(fact: FactType) -> FactLine:
    return FactLine(fact.name, kind_words(fact), fact.claimed, meaning(fact), show(fact.example))
