"""A request's history, read from the ledger."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from approvals.models import Request
from portal.accounts.models import ServiceAccount, User
from portal.kernel.clock import now
from portal.ledger.archived import archived_months
from portal.ledger.events import EVENTS
from portal.ledger.models import Entry
from portal.ledger.months import month_at
from portal.ledger.tiles import fetch
from portal.scim.models import Directory
from portal.templatetags.times import clock_words

TEXTS = {
    "request.submitted": _("asked"),
    "snapshot.captured": _("Facts were read"),
    "verdict.given": _("Policy looked at the facts"),
    "decision.recorded": _("decided"),
    "request.pended": _("Waiting for people"),
    "request.approved": _("Approved"),
    "request.rejected": _("Rejected"),
    "request.denied": _("Denied by policy"),
    "request.expired": _("Expired"),
    "request.withdrawn": _("withdrew the request"),
    "request.superseded": _("Superseded by a newer request"),
    "request.revoked": _("took the approval back"),
    "drift.found": _("Facts changed: the approval is void, a new round begins"),
    "permit.issued": _("Permit issued"),
    "permit.started": _("The action began"),
    "permit.finished": _("The action ended"),
    "permit.lost": _("The run fell silent: the permit is lost"),
    "permit.expired": _("Nobody reported in time that the action began"),
    "permit.reported_late": _("An end was reported after the permit was over"),
    "decision.refused": _("A decision was refused"),
    "erasure.done": _("erased personal data"),
}
OUTCOMES = {
    "approve": _("approved"),
    "reject": _("rejected"),
    "allow": _("allowed"),
    "review": _("asks people"),
    "deny": _("denies"),
    "blocked": _("waits for a fact"),
    "policy": _("by policy"),
    "people": _("by people"),
    "succeeded": _("succeeded"),
    "failed": _("failed"),
}
MOST = 500
READ = "snapshot.captured"


@dataclass(frozen=True)
class HistoryLine:
    """One ledger entry in words; `id` is its number."""

    id: int
    at: datetime
    type: str
    text: str
    actor: str
    round: int
    extra: str


def history_of_request(request: Request) -> list[HistoryLine]:
    """The request's entries, newest first (three queries).

    Readings of facts in a row are one line; however many there are, they displace nothing else.
    """
    entries = Entry.objects.filter(request=request.pk).order_by("-id")
    read, others = Q(type=READ), ~Q(type=READ)
    chosen = entries.filter(read)[:MOST].union(entries.filter(others)[:MOST], all=True)
    found = list(chosen.order_by("-id"))
    names = names_of({entry.actor_ref for entry in found})
    runs = groupby(found, key=lambda entry: entry.type)
    return [line for kind, run in runs for line in _lines(kind, list(run), names)]


def archived_part(request: Request) -> str:
    """What is said where a part of the history stands in files only; empty where all is there.

    No month that is not over is archived: of a request of this month nothing is asked.
    """
    began = month_at(request.created_at)
    if began == month_at(now()):
        return ""
    months = [one.name for one in archived_months(fetch) if one.month >= began]
    gone = request.ledger_seq - Entry.objects.filter(request=request.pk).count() if months else 0
    if gone <= 0:
        return ""
    text = ngettext(
        "%(n)d entry is archived, in %(months)s. Whoever runs the portal can bring it back.",
        "%(n)d entries are archived, in %(months)s. Whoever runs the portal can bring them back.",
        gone,
    )
    return text % {"n": gone, "months": ", ".join(months)}


def sentence_of(kind: str, outcome: str) -> str:
    """What an entry of this type and outcome says, in a few words."""
    if outcome in ("approve", "reject"):
        return str(OUTCOMES[outcome])
    if kind in TEXTS:
        return str(TEXTS[kind])
    return EVENTS[kind].meaning.rstrip(".") if kind in EVENTS else kind


def _lines(kind: str, entries: list[Entry], names: dict[str, str]) -> list[HistoryLine]:
    return _readings(entries, names) if kind == READ else [_line(e, names) for e in entries]


def _readings(entries: list[Entry], names: dict[str, str]) -> list[HistoryLine]:
    """One line for readings that follow each other: how many there were, and since when."""
    newest = _line(entries[0], names)
    n = len(entries)
    if n == 1:
        return [newest]
    text = _("Facts were read %(n)d times since %(moment)s")
    since = clock_words(entries[-1].at, now())
    return [replace(newest, text=str(text % {"n": n, "moment": since}))]


def _line(entry: Entry, names: dict[str, str]) -> HistoryLine:
    payload = json.loads(bytes(entry.payload))
    return HistoryLine(
        id=entry.id,
        at=entry.at,
        type=entry.type,
        text=sentence_of(entry.type, entry.outcome),
        actor=names.get(entry.actor_ref, ""),
        round=payload.get("round", 1),
        extra=_extra(entry, payload),
    )


def _extra(entry: Entry, payload: dict[str, Any]) -> str:
    if entry.type == "drift.found":
        return ", ".join(str(row["fact"]) for row in payload.get("drift", []))
    if entry.type == "decision.recorded":
        return ""
    return str(OUTCOMES.get(entry.outcome, entry.outcome))


def names_of(refs: set[str]) -> dict[str, str]:
    """Names for actor references; they stand in erasable tables, never in the ledger."""
    known = refs - {"system"}
    people = User.objects.filter(actor_ref__in=known).values_list("actor_ref", "name")
    accounts = ServiceAccount.objects.filter(actor_ref__in=known).values_list("actor_ref", "name")
    names = {str(ref): name for ref, name in [*people, *accounts]}
    if others := known - set(names):
        directories = Directory.objects.filter(pk__in=others).values_list("pk", "name")
        names |= {str(pk): name for pk, name in directories}
    return names
