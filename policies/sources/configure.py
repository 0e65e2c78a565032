"""Adding, changing and removing the sources of policy files. Administrators only."""

import re
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from policies.sources.models import PolicySource
from portal.access import Capability, require
from portal.directory.repository import branch_problem, repository_problem
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.kernel.validation import changed_fields, check_row, insert_row, invalid
from portal.ledger.actors import SYSTEM, Actor, person_actor
from portal.ledger.change import change, state_of
from portal.ledger.record import record

CHANGEABLE = ("repository", "branch", "folder")
MOST = 20  # each is read by this machine every minute

_FOLDER = re.compile(r"\A[A-Za-z0-9_.][A-Za-z0-9_. -]*(?:/[A-Za-z0-9_.][A-Za-z0-9_. -]*)*\Z")


def record_source(event: str, actor: Actor, source: PolicySource, **changed: Any) -> None:
    """An entry about a source, with what moved `before` and `after`."""
    about = {"kind": "policy_source", "id": str(source.pk)}
    record(event, actor=actor, object=about, change=change(**changed))


def _check(source: PolicySource) -> None:
    if problem := repository_problem(source.repository):
        raise invalid("repository", problem)
    if problem := branch_problem(source.branch):
        raise invalid("branch", problem)
    parts = source.folder.split("/")
    if source.folder and (not _FOLDER.match(source.folder) or {".", ".."} & set(parts)):
        raise invalid("folder", _("Write a folder inside the repository, as in “policies/prod”."))
    same = PolicySource.objects.filter(
        removed_at=None, **{name: getattr(source, name) for name in CHANGEABLE}
    )
    if same.exclude(pk=source.pk).exists():
        raise Conflict(_("This folder is a source already."), code="exists")


@transaction.atomic
def create_source(
    *, by: Any, repository: str, branch: str = "main", folder: str = ""
) -> PolicySource:
    """Read policies from there from now on; what is read is drafted in the name of `by`.

    Raises Forbidden, Invalid, Conflict.
    """
    require(by, Capability.ADMINISTER)
    source = PolicySource(
        repository=repository,
        branch=branch,
        folder=folder.strip("/"),
        configured_by=by,
        next_try=now(),
    )
    _check(source)
    if PolicySource.objects.filter(removed_at=None).count() >= MOST:
        raise Conflict(f"There are {MOST} sources already. Remove one first.", code="too-many")
    insert_row(source)
    after = state_of(source, CHANGEABLE)
    record_source("policy_source.created", person_actor(by), source, before={}, after=after)
    return source


def lock_source(source: PolicySource) -> PolicySource:
    """The row, locked. Raises Conflict for a removed one."""
    locked = PolicySource.objects.select_for_update().get(pk=source.pk)
    if locked.removed_at:
        raise Conflict(_("This source was removed."), code="removed")
    return locked


@transaction.atomic
def change_source(*, by: Any, source: PolicySource, **wanted: Any) -> PolicySource:
    """Read from somewhere else, or in another name: from now on that of `by`.

    Raises Forbidden, Invalid, Conflict.
    """
    require(by, Capability.ADMINISTER)
    source = lock_source(source)
    wanted = {name: wanted[name] for name in CHANGEABLE if name in wanted}
    if "folder" in wanted:
        wanted["folder"] = wanted["folder"].strip("/")
    moved = changed_fields(source, {**wanted, "configured_by": by})
    if not moved:
        return source
    before = state_of(source, moved)
    for name, value in moved.items():
        setattr(source, name, value)
    _check(source)
    check_row(source, moved)
    source.commit, source.attempts, source.next_try = "", 0, now()
    source.save(update_fields=[*moved, "commit", "attempts", "next_try"])
    after = state_of(source, moved)
    record_source("policy_source.changed", person_actor(by), source, before=before, after=after)
    return source


@transaction.atomic
def remove_source(*, by: Any, source: PolicySource) -> PolicySource:
    """Read no more from there; what came from there stays. Raises Forbidden, Conflict."""
    require(by, Capability.ADMINISTER)
    source = lock_source(source)
    source.removed_at, source.next_try = now(), None
    source.save(update_fields=["removed_at", "next_try"])
    before, after = {"removed_at": None}, state_of(source, ["removed_at"])
    record_source("policy_source.removed", person_actor(by), source, before=before, after=after)
    return source


def record_reading(event: str, source: PolicySource, before: Any, names: list[str]) -> None:
    """An entry of the portal itself about what reading brought."""
    record_source(event, SYSTEM, source, before=before, after=state_of(source, names))
