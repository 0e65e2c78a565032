"""One entry of the ledger, readable: what it says, what it changed, and what proves it."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from approvals.audit.archived import IsArchived, archived_entry
from approvals.audit.scope import AuditScope
from approvals.queries.history import names_of, sentence_of
from portal.accounts.models import User
from portal.kernel.errors import Conflict, NotFound
from portal.ledger.actors import person_actor
from portal.ledger.archived import archived_months
from portal.ledger.models import Entry
from portal.ledger.months import month_at
from portal.ledger.proofs import BrokenSeal, EntryProof, NotSealed, proof_of
from portal.ledger.record import record
from portal.ledger.tiles import Archived, fetch

# Pages of objects, by what an entry calls them.
PAGES = {
    "project": "project",
    "group": "group",
    "policy": "policy",
    "connection": "connection",
    "stream": "siem-stream",
}


@dataclass(frozen=True)
class Changed:
    """A field before and after; empty text where it was not there."""

    field: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        """Whether the two are unlike."""
        return self.before != self.after


@dataclass(frozen=True)
class EntryView:
    """An entry for a page.

    `prev` is the hash it names of the request's entry before it, `previous` the one that has it;
    where there is none, `gone` names the archived months that it may be in.
    `broken`: it was sealed and is not what was sealed.
    `page` is the address's name of the object it is about, and empty where that has no page.
    """

    entry: Entry
    sentence: str
    actor: str
    said: list[tuple[str, str]]
    changes: list[Changed]
    raw: str
    prev: str
    previous: Entry | None
    gone: list[str]
    page: str
    object: str
    proof: EntryProof | None
    broken: bool


def entry_view(scope: AuditScope, number: int) -> EntryView:
    """Raises NotFound, also for an entry that is outside the scope, and IsArchived."""
    entry = _entry(scope, number)
    raw = bytes(entry.payload).decode()
    payload = json.loads(raw)
    change = payload.get("change") or {}
    before, after = (change.pop(side, None) or {} for side in ("before", "after"))
    prev = payload.get("prev") or ""
    part = payload.get("object") or {}
    proof, broken = _proof(entry.pk)
    previous = _with_hash(entry.request, prev) if prev else None
    return EntryView(
        entry=entry,
        sentence=sentence_of(entry.type, entry.outcome),
        actor=names_of({entry.actor_ref}).get(entry.actor_ref, entry.actor_ref),
        said=[*_flat("", payload)],
        changes=_changes(before, after),
        raw=raw,
        prev=prev,
        previous=previous,
        gone=_archived_until(entry) if prev and previous is None else [],
        page=PAGES.get(part.get("kind", ""), ""),
        object=part.get("id", ""),
        proof=proof,
        broken=broken,
    )


def take_entry(*, by: User, scope: AuditScope, number: int) -> dict[str, Any]:
    """The entry with its proof, as a file has them; that it was taken is recorded.

    Raises NotFound, IsArchived, and Conflict while the entry is not sealed yet or is not what was
    sealed.
    """
    entry = _entry(scope, number)
    proof, broken = _proof(entry.pk)
    if broken:
        raise Conflict(
            _(
                "This entry is not what was sealed, or parts of the log are missing. Have the "
                "whole ledger verified: manage.py verify_ledger."
            ),
            code="broken-seal",
        )
    if proof is None:
        raise Conflict(
            _("This entry is not sealed yet. That takes a second or two; try again."),
            code="not-sealed",
        )
    with transaction.atomic():
        record(
            "evidence.read",
            actor=person_actor(by),
            project=entry.project,
            object={"kind": "entry", "id": str(entry.event_id), "number": entry.pk},
        )
    return {
        "entry": entry.pk,
        "leaf": proof.leaf.decode(),
        "index": proof.index,
        "size": proof.size,
        "hashes": [base64.b64encode(one).decode() for one in proof.hashes],
        "checkpoint": proof.note,
    }


def _entry(scope: AuditScope, number: int) -> Entry:
    found = Entry.objects.filter(pk=number)
    if scope.projects is not None:
        found = found.filter(project__in=scope.projects)
    entry = found.first()
    if entry is not None:
        return entry
    archived = archived_entry(scope, number)
    if archived is not None:
        raise IsArchived(archived)
    raise NotFound(_("There is no such entry, or it is not yours to audit."))


def _archived_until(entry: Entry) -> list[str]:
    return [one.name for one in archived_months(fetch) if one.month <= month_at(entry.at)]


def _with_hash(request: UUID | None, leaf: str) -> Entry | None:
    return Entry.objects.filter(request=request, leaf=bytes.fromhex(leaf)).first()


def _proof(number: int) -> tuple[EntryProof | None, bool]:
    """The proof, where there is one; and whether there should be one that holds."""
    try:
        return proof_of(number), False
    except (NotSealed, Archived):  # archived: between reading the entry and its leaf
        return None, False
    except BrokenSeal:
        return None, True


def _changes(before: dict[str, Any], after: dict[str, Any]) -> list[Changed]:
    names = sorted({*before, *after})
    return [Changed(name, _text(before.get(name)), _text(after.get(name))) for name in names]


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Each value under the path that leads to it, for example `action.target`."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for index, inner in enumerate(value, start=1):
            yield from _flat(f"{path}.{index}", inner)
    elif value not in (None, "", [], {}):
        yield path, _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)
