"""Who may draft or publish what: a right on the policy, or on every project it reaches."""

import re
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from policies.language.document import PolicyDocument
from policies.models import Policy
from policies.queries import BrokenPolicy, document_of
from portal.access import Capability, holds
from portal.directory.models import Project
from portal.kernel.errors import Forbidden

_LITERAL = re.compile(r"\A[a-z0-9._/-]+\Z")


def _present(policy: Policy) -> PolicyDocument | None:
    """What the policy says today: in force, else newest. Raises BrokenPolicy."""
    version = policy.in_force or policy.versions.order_by("-number").first()
    if version is None:
        return None
    version.policy = policy
    return document_of(version)


def _on_every_project(
    by: Any, capability: Capability, documents: Iterable[PolicyDocument | None]
) -> bool:
    """Whether `by` holds `capability` on every project that the documents can ever reach.

    A pattern with a wildcard also reaches projects that do not exist yet: only full names count.
    """
    projects = _named_projects(documents)
    return bool(projects) and all(holds(by, capability, p) for p in projects)


def _named_projects(documents: Iterable[PolicyDocument | None]) -> list[Project]:
    """Every project the documents can ever reach; none where that is not known by their names."""
    patterns = {name for d in documents if d is not None for name in d.match.projects}
    if not all(_LITERAL.match(pattern) for pattern in patterns):
        return []
    projects = list(Project.objects.filter(slug__in=patterns))
    return projects if len(projects) == len(patterns) else []


def projects_that_reach(policy: Policy) -> list[Project]:
    """The projects on all of which a right is as good as one on the policy as it is today."""
    try:
        return _named_projects([_present(policy)])
    except BrokenPolicy:
        return []


def may_reach(
    by: Any, capability: Capability, policy: Policy | None, document: PolicyDocument | None
) -> bool:
    """Whether `by` may put `document` (None: nothing) in the place of what the policy says.

    With a right on the policy or the portal, an unreadable version in force is no obstacle: it has
    to be replaceable.
    """
    if holds(by, capability, policy):
        return True
    current = _present(policy) if policy is not None else None
    return _on_every_project(by, capability, [document, current])


def require_reach(
    by: Any, capability: Capability, policy: Policy | None, document: PolicyDocument | None
) -> None:
    """Raise Forbidden unless `may_reach`."""
    if may_reach(by, capability, policy, document):
        return
    verb = capability.value.replace("_", " ")
    raise Forbidden(
        _(
            "You need the permission “%(verb)s” on this policy, on the portal, or on every project "
            "that the document matches by its full name. An administrator can grant it."
        )
        % {"verb": verb},
        code="missing-permission",
    )
