"""Saving, publishing and retiring policy versions."""

import re
from collections.abc import Iterable
from types import EllipsisType
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from policies.governance import NAME as BUILT_IN
from policies.language.document import PolicyDocument
from policies.language.parse import parse_policy
from policies.language.problems import PolicyError, Problem
from policies.language.testing import run_cases
from policies.models import Policy, PolicyVersion
from policies.queries import BrokenPolicy, document_of
from policies.reach import may_reach, require_reach
from portal.access import Capability, permitted_ids
from portal.directory.models import Project
from portal.directory.queries import known_groups
from portal.kernel.canonical import sha256_digest
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden, Refused
from portal.kernel.validation import insert_row
from portal.ledger.actors import person_actor
from portal.ledger.change import change
from portal.ledger.record import record

MAX_TEXT = 100_000


class InvalidPolicy(Refused):
    """The document cannot become a version; `problems` say where."""

    status = 422
    code = "invalid-policy"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        errors = [{"field": "text", "message": str(problem)} for problem in self.problems]
        super().__init__(_("The document has problems; nothing was saved."), errors=errors)


def _at(text: str, pattern: str, message: str) -> Problem:
    """A problem that the parser cannot know, at the first place `pattern` is found."""
    for number, line in enumerate(text.split("\n"), start=1):
        if found := re.search(pattern, line.split("#")[0]):
            return Problem(number, found.start() + 1, message)
    return Problem(1, 1, message)


def _at_name(text: str, message: str) -> Problem:
    return _at(text, r"^policy\s*:", message)


def _at_group(text: str, name: str, message: str) -> Problem:
    return _at(text, rf"(?<![\w.-])(?<!^policy: ){re.escape(name)}(?![\w.-])", message)


def group_problems(document: PolicyDocument, text: str) -> list[Problem]:
    """The groups it names that nobody could decide in, each where it is named first."""
    sizes = known_groups(document.groups)
    problems = []
    for name in sorted(document.groups):
        if name not in sizes:
            message = _("There is no approver group “%(name)s”.") % {"name": name}
        elif sizes[name] == 0:
            message = _("The approver group “%(name)s” has no active member.") % {"name": name}
        else:
            continue
        problems.append(_at_group(text, name, message))
    return problems


def check_document(text: str) -> PolicyDocument:
    """Parse `text` and check the groups it names. Raises InvalidPolicy."""
    if len(text) > MAX_TEXT:
        message = _("The document is longer than %(most)d characters.") % {"most": MAX_TEXT}
        raise InvalidPolicy([Problem(1, 1, message)])
    try:
        document = parse_policy(text)
    except PolicyError as error:
        raise InvalidPolicy(error.problems) from error
    problems = group_problems(document, text)
    if problems:
        raise InvalidPolicy(problems)
    return document


def name_problems(document: PolicyDocument, text: str, policy: Policy | None) -> list[Problem]:
    """What is wrong with the name for a version of `policy`; None: for a new policy."""
    if policy is not None and document.policy != policy.name:
        message = _("This is the policy “%(name)s”; its name stays.") % {"name": policy.name}
    elif policy is None and document.policy == BUILT_IN:
        message = _("This is the name of the portal's own policy on policies; use another one.")
    elif policy is None and Policy.objects.filter(name=document.policy).exists():
        message = _("There is a policy of this name already; save a version of it instead.")
    else:
        return []
    return [_at_name(text, message)]


def may_create(by: Any) -> bool:
    """Whether `by` may draft anything at all, on the portal or on a project."""
    return permitted_ids(by, Capability.DRAFT_POLICY, Project) != []


def _part(policy: Policy, version: PolicyVersion) -> dict[str, Any]:
    return {
        "id": str(policy.pk),
        "name": policy.name,
        "version": version.number,
        "digest": version.digest,
    }


def _object(policy: Policy) -> dict[str, str]:
    return {"kind": "policy", "id": str(policy.pk), "name": policy.name}


def _lock(policy: Policy) -> Policy:
    # Locks first and reads then: a join would miss the version that came into force meanwhile.
    Policy.objects.select_for_update().values_list("pk").get(pk=policy.pk)
    return Policy.objects.select_related("in_force").get(pk=policy.pk)


def _insert_version(by: Any, policy: Policy, number: int, text: str, note: str) -> PolicyVersion:
    version = PolicyVersion(
        policy=policy,
        number=number,
        text=text,
        digest=sha256_digest(text.encode()),
        author=by,
        note=note,
    )
    insert_row(version)
    record(
        "policy.drafted",
        actor=person_actor(by),
        object=_object(policy),
        policy=_part(policy, version),
    )
    return version


@transaction.atomic
def create_policy(*, by: Any, text: str, note: str = "") -> PolicyVersion:
    """A new policy, named as its document says, with this text as version 1; not in force yet.

    Raises Forbidden, InvalidPolicy, Invalid, Conflict when the name is taken.
    """
    document = check_document(text)
    require_reach(by, Capability.DRAFT_POLICY, None, document)
    if problems := name_problems(document, text, None):
        raise InvalidPolicy(problems)
    policy = Policy(name=document.policy)
    insert_row(policy)
    record("policy.created", actor=person_actor(by), object=_object(policy))
    return _insert_version(by, policy, 1, text, note)


@transaction.atomic
def save_version(*, by: Any, policy: Policy, text: str, note: str = "") -> PolicyVersion:
    """The next version of `policy`; not in force until somebody else publishes it.

    Raises Forbidden, InvalidPolicy, Invalid, Conflict when the newest version is the same text.
    """
    document = check_document(text)
    policy = _lock(policy)
    if problems := name_problems(document, text, policy):
        raise InvalidPolicy(problems)
    require_reach(by, Capability.DRAFT_POLICY, policy, document)
    newest = policy.versions.order_by("-number").first()
    if newest is not None and newest.text == text:
        raise Conflict(_("Nothing differs from the newest version."), code="same-document")
    number = newest.number + 1 if newest else 1
    return _insert_version(by, policy, number, text, note)


def require_proposal(by: Any, version: PolicyVersion) -> None:
    """Raise Forbidden unless `by` may ask that this version come into force or go out of it: who
    may draft or publish the policy."""
    try:
        document = document_of(version)
    except BrokenPolicy:
        document = None
    if not may_reach(by, Capability.PUBLISH_POLICY, version.policy, document):
        require_reach(by, Capability.DRAFT_POLICY, version.policy, document)


def check_proposal(version: PolicyVersion) -> None:
    """Raise InvalidPolicy, with lines, for what would keep the version out of force anyway."""
    document = document_of(version)
    problems = group_problems(document, version.text)
    problems += [
        Problem(result.case.line, result.case.column, f"{result.case.name}: {difference}")
        for result in run_cases(document)
        for difference in result.differences
    ]
    if problems:
        raise InvalidPolicy(sorted(problems))


def own_version_refusal(by: Any, version: PolicyVersion) -> str:
    """The sentence for an author who looks at their own version, or nothing."""
    if by.pk != version.author_id:
        return ""
    return _("You wrote this version. Somebody else who may publish has to look at it.")


@transaction.atomic
def publish_version(
    *, by: Any, version: PolicyVersion, instead_of: UUID | EllipsisType | None = ...
) -> Policy:
    """Bring `version` into force in place of what is; an older one rolls back.

    `instead_of` is the id of the version that was in force on the screen (None for none): when
    another one is by now, Conflict. Raises Forbidden for the author, InvalidPolicy when a group it
    names is missing or empty by now. Publishing what is in force changes nothing.
    """
    policy = _lock(version.policy)
    version = PolicyVersion.objects.get(pk=version.pk)
    version.policy = policy
    document = document_of(version)
    require_reach(by, Capability.PUBLISH_POLICY, policy, document)
    if refusal := own_version_refusal(by, version):
        raise Forbidden(refusal, code="own-version")
    if instead_of is not ... and instead_of != policy.in_force_id:
        raise Conflict(
            _("Another version came into force meanwhile. Compare again."), code="policy-moved"
        )
    if policy.in_force_id == version.pk:
        return policy
    if problems := group_problems(document, version.text):
        raise InvalidPolicy(problems)
    before = policy.in_force
    policy.in_force, policy.published_by, policy.published_at = version, by, now()
    _save_force(policy)
    record(
        "policy.published",
        actor=person_actor(by),
        object=_object(policy),
        policy=_part(policy, version),
        change=change(_summary(before), _summary(version)),
    )
    return policy


def _summary(version: PolicyVersion | None) -> dict[str, Any]:
    return {"version": version.number, "digest": version.digest} if version else {}


def _save_force(policy: Policy) -> None:
    policy.moved_at = now()
    policy.save(update_fields=["in_force", "published_by", "published_at", "moved_at"])


@transaction.atomic
def retire_policy(*, by: Any, policy: Policy) -> Policy:
    """Take `policy` out of force. Where no other policy matches, everything is denied from now on.

    Needs the right to publish; the author of the version in force may not. Raises Forbidden.
    """
    policy = _lock(policy)
    before = policy.in_force
    if before is None:
        return policy
    require_reach(by, Capability.PUBLISH_POLICY, policy, None)
    if own_version_refusal(by, before):
        raise Forbidden(
            _("You wrote the version in force. Somebody else has to retire it."),
            code="own-version",
        )
    policy.in_force = policy.published_by = policy.published_at = None
    _save_force(policy)
    record(
        "policy.retired",
        actor=person_actor(by),
        object=_object(policy),
        policy=_part(policy, before),
        change=change(_summary(before), {}),
    )
    return policy
