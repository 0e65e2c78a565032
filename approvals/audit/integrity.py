"""The statement of integrity: what the ledger's log is, who has seen it, and what is missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.audit.pdf.document import Document, Note, Pairs, Section, Table, both
from approvals.audit.scope import audit_scope
from approvals.audit.sealing import Publication, SealState, seal_state
from approvals.audit.verification import is_old, last_verification
from approvals.models import Verification
from portal.accounts.models import User
from portal.kernel.clock import now, rfc3339
from portal.ledger.actors import person_actor
from portal.ledger.record import record

_FIRST = """
    SELECT origin, size, encode(root, 'base64'), at
    FROM ledger_checkpoint ORDER BY size LIMIT 1
"""


@dataclass(frozen=True)
class First:
    """The oldest checkpoint of the log."""

    origin: str
    size: int
    root: str
    at: datetime


@dataclass(frozen=True)
class Statement:
    """How things stand at `made`; `gaps` says in sentences what is missing from a whole proof."""

    made: datetime
    first: First | None
    state: SealState
    verified: Verification | None
    gaps: list[str]

    def to_json(self) -> dict[str, Any]:
        """For programs; times in UTC, roots in base64 as the checkpoints have them."""
        last, verified = self.state.last, self.verified
        return {
            "made": rfc3339(self.made),
            "origin": last.origin if last else None,
            "first": _checkpoint(self.first),
            "last": _checkpoint(last),
            "size": last.size if last else 0,
            "signed": last.signed if last else None,
            "unsealed": {
                "count": self.state.waiting,
                "oldest": rfc3339(self.state.oldest) if self.state.oldest else None,
            },
            "keys": [{"key": one.vkey, "since": rfc3339(one.since)} for one in self.state.keys],
            "witnesses": [
                {
                    "place": one.place,
                    "size": one.size,
                    "at": rfc3339(one.at) if one.at else None,
                    "problem": one.problem,
                }
                for one in self.state.publications
            ],
            "verification": _verification(verified) if verified else None,
            "gaps": self.gaps,
        }


def _place(one: Publication) -> list[str]:
    if one.size is None or one.at is None:
        return [one.place, "–", one.problem]
    return [one.place, f"{one.size:,}", both(one.at)]


def _checkpoint(one: Any) -> dict[str, Any] | None:
    if one is None:
        return None
    return {"origin": one.origin, "size": one.size, "root": one.root, "at": rfc3339(one.at)}


def _verification(one: Verification) -> dict[str, Any]:
    return {
        "at": rfc3339(one.finished_at) if one.finished_at else None,
        "asked_by": str(one.asked_by.actor_ref) if one.asked_by else "system",
        "size": one.size,
        "checkpoints": one.checkpoints,
        "unsealed": one.unsealed,
        "milliseconds": one.milliseconds,
        "findings": one.findings,
        "more_findings": one.more,
    }


def statement_for(reader: User) -> Statement:
    """For whoever audits anything: it tells nothing of any project. Raises Forbidden."""
    audit_scope(reader)
    made, state, verified = now(), seal_state(), last_verification()
    with connection.cursor() as cursor:
        cursor.execute(_FIRST)
        row = cursor.fetchone()
    first = First(*row) if row else None
    return Statement(made, first, state, verified, [*_gaps(made, first, state, verified)])


def _gaps(
    made: datetime, first: First | None, state: SealState, verified: Verification | None
) -> Iterator[str]:
    last = state.last
    if last is None or first is None:
        yield _("Nothing was sealed yet.")
        return
    if first.origin != last.origin:
        yield _("The log began as %(old)s and goes on as %(new)s.") % {
            "old": first.origin,
            "new": last.origin,
        }
    if (last.signed or 0) < last.size:
        yield _("The last %(n)d sealed entries are not signed yet.") % {
            "n": last.size - (last.signed or 0)
        }
    if state.waiting:
        yield ngettext(
            "%(n)s entry is not sealed yet.", "%(n)s entries are not sealed yet.", state.waiting
        ) % {"n": _("more than 1,000") if state.many_wait else state.waiting}
    if verified is None:
        yield _("The whole log was never verified.")
    elif verified.found:
        yield ngettext(
            "The last verification has %(n)d finding.",
            "The last verification has %(n)d findings.",
            verified.found,
        ) % {"n": verified.found}
    elif is_old(verified, made):
        yield _("The whole log was not verified for more than two days.")


def note_taken(*, by: User, form: str, content: bytes) -> None:
    """Record that the statement was taken out."""
    digest = f"sha256:{sha256(content).hexdigest()}"
    with transaction.atomic():
        record(
            "evidence.read",
            actor=person_actor(by),
            object={"kind": "integrity", "form": form, "digest": digest},
        )


def document_of(statement: Statement) -> Document:
    """The same for people, on paper."""
    state = statement.state
    keys = [[one.vkey, both(one.since)] for one in state.keys]
    places = [_place(one) for one in state.publications]
    return Document(
        title=_("Statement of integrity"),
        about=state.last.origin if state.last else _("Nothing was sealed yet."),
        made=_("Made %(moment)s") % {"moment": both(statement.made)},
        page=_("Page {n} of {m}"),
        sections=[
            Section(_("The log"), [Pairs(list(_log(statement)))]),
            Section(_("Gaps"), _notes(statement.gaps)),
            Section(_("Last verification of all of it"), list(_verified(statement.verified))),
            Section(_("Who holds checkpoints"), [
                Table([_("Place"), _("Entries"), _("When")], places, [4, 2, 4])
                if places else Note(_("None."))]),
            Section(_("Keys that sign"), [
                Table([_("Key"), _("Since")], keys, [6, 4]) if keys else Note(_("None."))]),
        ],
    )  # fmt: skip


def _notes(gaps: list[str]) -> list[Note]:
    return [Note(one, "bad") for one in gaps] or [Note(_("None that the portal knows of."), "ok")]


def _log(statement: Statement) -> Iterator[tuple[str, str]]:
    first, last, state = statement.first, statement.state.last, statement.state
    if first:
        yield _("First checkpoint"), f"{first.size:,} · {both(first.at)}"
        yield _("Its root"), first.root
    if last:
        yield _("Last checkpoint"), f"{last.size:,} · {both(last.at)}"
        yield _("Its root"), last.root
        yield _("Signed up to"), f"{last.signed:,}" if last.signed else _("nothing yet")
    waiting = _("more than 1,000") if state.many_wait else str(state.waiting)
    yield _("Not sealed yet"), waiting


def _verified(one: Verification | None) -> Iterator[Pairs | Note]:
    if one is None:
        yield Note(_("There was none yet."), "bad")
        return
    by = str(one.asked_by) if one.asked_by else _("nobody: it is done every night")
    yield Pairs(
        [
            (_("Ended"), both(one.finished_at)),
            (_("Asked by"), by),
            (_("Entries"), f"{one.size:,}"),
            (_("Checkpoints"), f"{one.checkpoints:,}"),
            (_("Not sealed then"), f"{one.unsealed:,}"),
            (_("Took"), f"{one.seconds:.1f} s"),
        ]
    )
    for sentence in one.findings:
        yield Note(sentence, "bad")
    if not one.findings and one.size:
        yield Note(_("Everything holds."), "ok")
