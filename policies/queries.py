"""The read side of policies: what is in force for a target, and what a person may see."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from policies.governance import ID as BUILT_IN
from policies.governance import built_in, built_in_for
from policies.language.document import (
    Match,
    PinnedPolicy,
    PinnedVersion,
    PolicyDocument,
    matches,
)
from policies.language.globs import match_glob
from policies.language.parse import parse_policy
from policies.language.problems import PolicyError
from policies.models import Policy, PolicyVersion
from portal.access import Capability, permitted_ids
from portal.directory.queries import groups_of, visible_projects
from portal.kernel.canonical import sha256_digest
from portal.kernel.errors import NotFound, Unavailable

_MOST_REMEMBERED = 2_000

# Parsed documents by version id: versions never change, so nothing here is ever out of date.
_documents: dict[UUID, PolicyDocument] = {}


class BrokenPolicy(Unavailable):
    """A stored version cannot be read any more: nothing may be approved on it."""

    code = "broken-policy"


def _document(version_id: UUID, label: str, digest: str, text: str | None) -> PolicyDocument:
    known = _documents.get(version_id)
    if known is not None:
        return known
    if text is None or sha256_digest(text.encode()) != digest:
        raise BrokenPolicy(f"The policy {label} is not the document that was saved.")
    try:
        document = parse_policy(text)
    except PolicyError as error:
        raise BrokenPolicy(f"The policy {label} cannot be read: {error}") from error
    if len(_documents) >= _MOST_REMEMBERED:
        _documents.clear()
    _documents[version_id] = document
    return document


def document_of(version: PolicyVersion) -> PolicyDocument:
    """The parsed document of a loaded version. Raises BrokenPolicy."""
    return _document(version.pk, str(version), version.digest, version.text)


# One statement whether or not the texts are known: known ones are left on the server.
_VERSIONS = """
SELECT version.id, policy.name, version.number, version.digest,
       CASE WHEN version.id = ANY(%s) THEN NULL ELSE version.text END
FROM policies_policyversion version JOIN policies_policy policy ON policy.id = version.policy_id
WHERE {condition}
ORDER BY policy.name, version.number
"""
_IN_FORCE = _VERSIONS.format(condition="policy.in_force_id = version.id")
_NAMED = _VERSIONS.format(condition="version.id = ANY(%s)")


def _pin(statement: str, *parameters: list[UUID]) -> list[PinnedVersion]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(_documents), *parameters])
        rows = cursor.fetchall()
    return [
        PinnedVersion(_document(pk, f"{name} v{number}", digest, body), number, digest, pk)
        for pk, name, number, digest, body in rows
    ]


def policies_in_force(project: str, environment: str, action: str) -> list[PinnedVersion]:
    """The policy versions in force whose `match` fits this target, by name; one query.

    None means that everything is denied there. Raises BrokenPolicy when any version in force,
    fitting or not, cannot be read: what it would have asked is unknown.
    """
    found = [
        pinned
        for pinned in _pin(_IN_FORCE)
        if matches(pinned.document, project, environment, action)
    ]
    return [*built_in_for(project, environment, action), *found]


def all_in_force() -> list[PinnedVersion]:
    """Every policy version in force, the built-in one too; one query. Raises BrokenPolicy."""
    return [built_in(), *_pin(_IN_FORCE)]


def pinned_policies(version_ids: Iterable[UUID]) -> list[PinnedVersion]:
    """These versions, by name; one query. Raises BrokenPolicy when one is missing or unreadable."""
    wanted = set(version_ids)
    found = _pin(_NAMED, list(wanted - {BUILT_IN}))
    own = [built_in()] if BUILT_IN in wanted else []
    if len(found) + len(own) != len(wanted):
        raise BrokenPolicy("A policy version that this request names is not there any more.")
    return [*own, *found]


def group_names(policies: Iterable[PinnedPolicy]) -> frozenset[str]:
    """Every approver group these policies name."""
    return frozenset().union(*(pinned.document.groups for pinned in policies))


@dataclass(frozen=True)
class PolicyRow:
    """One policy in the list; `match` and `problem` are of the version in force, else newest."""

    policy: Policy
    newest: PolicyVersion
    match: Match | None
    groups: frozenset[str]
    problem: str

    @property
    def in_force_word(self) -> str:
        """“Version 3 in force”, for the tag."""
        number = self.policy.in_force.number if self.policy.in_force else 0
        return _("Version %(number)d in force") % {"number": number}

    @property
    def group_names(self) -> list[str]:
        """The approver groups it names, in order."""
        return sorted(self.groups)

    @property
    def draft_waits(self) -> bool:
        """Whether a newer version than the one in force was saved."""
        current = self.policy.in_force
        return current is None or self.newest.number > current.number


def _row(policy: Policy, newest: PolicyVersion) -> PolicyRow:
    try:
        document = document_of(policy.in_force or newest)
    except BrokenPolicy as broken:
        return PolicyRow(policy, newest, None, frozenset(), broken.sentence)
    return PolicyRow(policy, newest, document.match, document.groups, "")


def _rows(**conditions: Any) -> list[PolicyRow]:
    newest = PolicyVersion.objects.filter(policy=OuterRef("pk")).order_by("-number").values("pk")
    policies = (
        Policy.objects.filter(**conditions)
        .select_related("in_force__author", "published_by")
        .annotate(newest_id=Subquery(newest[:1]))
        .order_by("name")
    )
    found = list(policies)
    versions = PolicyVersion.objects.select_related("author").in_bulk(
        [policy.newest_id for policy in found]
    )
    for version in versions.values():
        version.policy = next(p for p in found if p.pk == version.policy_id)
    for policy in found:
        if policy.in_force is not None:
            policy.in_force.policy = policy
    return [_row(policy, versions[policy.newest_id]) for policy in found]


def policy_rows(person: Any, **conditions: Any) -> list[PolicyRow]:
    """The policies `person` may see, by name.

    Those permitted; those that match one of their projects; those that name one of their groups;
    those whose newest version they wrote.
    """
    return seen_by(person, _rows(**conditions))


def every_policy() -> list[PolicyRow]:
    """All policies by name, whoever may see them: what depends on something is to be counted."""
    return _rows()


def seen_by(person: Any, rows: list[PolicyRow]) -> list[PolicyRow]:
    """Those of `rows` that `person` may see."""
    permitted = permitted_ids(person, Capability.VIEW, Policy)
    if permitted is None:
        return rows
    slugs = list(visible_projects(person).values_list("slug", flat=True))
    groups = frozenset(groups_of(person))
    return [
        row
        for row in rows
        if row.policy.pk in permitted
        or row.newest.author_id == person.pk
        or row.groups & groups
        or (row.match and any(match_project(row.match, slug) for slug in slugs))
    ]


def match_project(match: Match, slug: str) -> bool:
    """Whether a policy with this `match` reaches the project at all."""
    return any(match_glob(pattern, slug) for pattern in match.projects)


def load_policy_row(person: Any, policy_id: UUID) -> PolicyRow:
    """One policy, where `person` may see it. Raises NotFound otherwise."""
    for row in policy_rows(person, pk=policy_id):
        return row
    raise NotFound(_("There is no such policy, or it is not yours to see."))


def versions_of(policy: Policy) -> list[PolicyVersion]:
    """Every version with its author, newest first, without the texts."""
    versions = policy.versions.select_related("author").defer("text").order_by("-number")
    return list(versions)


def load_version(policy: Policy, number: int) -> PolicyVersion:
    """One version of a policy the reader may already see. Raises NotFound."""
    version = policy.versions.select_related("author").filter(number=number).first()
    if version is None:
        raise NotFound(_("There is no such policy version."))
    version.policy = policy
    return version
