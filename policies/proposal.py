"""What there is to know of a version that somebody wants in force, or out of it."""

from typing import Any

from policies.difference import difference
from policies.language.testing import run_cases
from policies.models import PolicyVersion
from policies.queries import BrokenPolicy, document_of
from policies.sources.queries import writers_of
from portal.directory.queries import known_groups


def facts_of(version: PolicyVersion) -> dict[str, Any]:
    """The facts of source `policy` by name; those of a document that cannot be read are None."""
    current = version.policy.in_force
    lines = difference(current.text if current else "", version.text)
    kinds = [line.kind for line in lines]
    return {
        "policy.name": version.policy.name,
        "policy.version": version.number,
        "policy.in_force": current.number if current else 0,
        "policy.lines_added": kinds.count("added"),
        "policy.lines_removed": kinds.count("removed"),
        "policy.authors": writers_of(version),
        **_of_document(version),
    }


def _of_document(version: PolicyVersion) -> dict[str, Any]:
    try:
        document = document_of(version)
    except BrokenPolicy:
        return {"policy.readable": False}
    sizes = known_groups(document.groups)
    results = run_cases(document)
    return {
        "policy.readable": True,
        "policy.mode": document.mode,
        "policy.projects": list(document.match.projects),
        "policy.tests": len(results),
        "policy.tests_failed": [one.case.name for one in results if not one.passed],
        "policy.groups_missing": sorted(name for name in document.groups if not sizes.get(name)),
    }
