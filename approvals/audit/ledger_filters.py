"""Which entries of the ledger somebody wants to see, read from the address."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, time
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _

from approvals.audit.reports.filters import DAY, day_of
from approvals.audit.scope import AuditScope
from portal.accounts.models import ServiceAccount, User
from portal.kernel.errors import Invalid, NotFound
from portal.ledger.events import EVENTS
from portal.scim.models import Directory

FAMILY = ".*"
FAMILIES = sorted({name.split(".")[0] + FAMILY for name in EVENTS})
MOST_TEXT = 200
LAST_NUMBER = 2**63 - 1


@dataclass(frozen=True)
class LedgerFilters:
    """As the address has them; empty text means “any”.

    `type` is a type or a family (`request.*`), `since` and `until` are whole days of the reader,
    `before` and `after` numbers of entries between which a page lies.
    """

    who: str = ""
    type: str = ""
    since: str = ""
    until: str = ""
    project: str = ""
    outcome: str = ""
    request: str = ""
    before: str = ""
    after: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether anything but the page narrows the list."""
        return any(
            getattr(self, one.name) for one in fields(self) if one.name not in ("before", "after")
        )


@dataclass(frozen=True)
class Wanted:
    """The same for an entry `e`: columns with the values they may have, and other conditions."""

    among: dict[str, list[Any]]
    conditions: list[str]
    parameters: dict[str, Any]


def ledger_filters(params: Mapping[str, str]) -> LedgerFilters:
    """Read them; what is too long for a filter is cut."""
    names = [one.name for one in fields(LedgerFilters)]
    return LedgerFilters(**{name: params.get(name, "").strip()[:MOST_TEXT] for name in names})


def wanted(scope: AuditScope, filters: LedgerFilters) -> Wanted:
    """What they ask for, never more than the scope. Raises Invalid for what cannot be meant."""
    found = dict[str, tuple[str, Any]]()
    if filters.outcome:
        found["outcome"] = ("e.outcome = %(outcome)s", filters.outcome)
    if filters.request:
        found["request"] = ("e.request = %(request)s", _request(filters.request))
    since, until = day_of("since", filters.since), day_of("until", filters.until)
    if since and until and since > until:
        raise _invalid("since", _("The first day is after the last one."))
    zone = get_current_timezone()
    if since:
        found["since"] = ("e.at >= %(since)s", datetime.combine(since, time(), zone))
    if until:
        found["until"] = ("e.at < %(until)s", datetime.combine(until + DAY, time(), zone))
    if filters.after:
        found["after"] = ("e.id > %(after)s", _number("after", filters.after))
    elif filters.before:
        found["before"] = ("e.id < %(before)s", _number("before", filters.before))
    conditions = [condition for condition, _value in found.values()]
    return Wanted(
        _among(scope, filters), conditions, {name: value for name, (_sql, value) in found.items()}
    )


def _among(scope: AuditScope, filters: LedgerFilters) -> dict[str, list[Any]]:
    found = dict[str, list[Any]]()
    if filters.who:
        found["actor_ref"] = _actors(filters.who)
    if filters.project:
        found["project"] = [_project(scope, filters.project)]
    elif scope.projects is not None:
        found["project"] = [*scope.projects]
    if filters.type:
        found["type"] = _types(filters.type)
    return found


def _project(scope: AuditScope, text: str) -> UUID:
    try:
        return scope.project(UUID(text)).pk
    except (ValueError, NotFound) as error:
        raise _invalid(
            "project", _("There is no such project, or it is not yours to audit.")
        ) from error


def _actors(text: str) -> list[str]:
    if text.lower() == "system":
        return ["system"]
    people = User.objects.filter(Q(name__iexact=text) | Q(username__iexact=text))
    accounts = ServiceAccount.objects.filter(name__iexact=text)
    refs = [*people.values_list("actor_ref", flat=True)]
    refs += accounts.values_list("actor_ref", flat=True)
    refs += Directory.objects.filter(name__iexact=text).values_list("pk", flat=True)
    if refs:
        return [str(ref) for ref in refs]
    try:
        return [str(UUID(text))]
    except ValueError as error:
        raise _invalid(
            "who",
            _("Nobody has this name. Write the whole name, a user name, an actor reference or "
              "“system”."),
        ) from error  # fmt: skip


def _types(text: str) -> list[str]:
    if text in EVENTS:
        return [text]
    if text in FAMILIES:
        return [name for name in EVENTS if name.startswith(text.removesuffix("*"))]
    raise _invalid("type", _("There is no such type of entry."))


def _request(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise _invalid(
            "request", _("Write the whole id of a request, as the address of its page has it.")
        ) from error


def _number(name: str, text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= LAST_NUMBER:
        return int(text)
    raise _invalid(name, _("A page begins at the number of an entry."))


def _invalid(name: str, sentence: str) -> Invalid:
    return Invalid(sentence, errors=[{"field": name, "message": sentence}])
