"""What the queue and the list are filtered by, read from the address; nonsense is ignored."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import QueryDict

from approvals.states import Status

TABS = ("you", "all", "decided")
_SQL = {
    "project": "r.project_id IN (SELECT id FROM portal_project WHERE slug = %s)",
    "environment": "r.environment_id IN (SELECT id FROM portal_environment WHERE name = %s)",
    "action": "r.action = %s",
    "asked": "r.account_id IN (SELECT id FROM portal_serviceaccount WHERE name = %s)",
    "status": "r.status = %s",
}


@dataclass(frozen=True)
class Condition:
    """Conditions in SQL on a request called `r`, with their parameters in order."""

    sql: tuple[str, ...] = ()
    params: tuple[Any, ...] = ()

    def __and__(self, other: "Condition") -> "Condition":
        return Condition((*self.sql, *other.sql), (*self.params, *other.params))


@dataclass(frozen=True)
class QueueFilters:
    """Empty text means “any”. `after` is an opaque cursor."""

    tab: str = "you"
    project: str = ""
    environment: str = ""
    action: str = ""
    asked: str = ""
    status: str = ""
    after: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether anything but the tab narrows the list."""
        return any((self.project, self.environment, self.action, self.asked, self.status))

    def condition(self) -> Q:
        """These filters as a condition on requests."""
        condition = Q()
        if self.project:
            condition &= Q(project__slug=self.project)
        if self.environment:
            condition &= Q(environment__name=self.environment)
        if self.action:
            condition &= Q(action=self.action)
        if self.asked:
            condition &= Q(account__name=self.asked)
        if self.status:
            condition &= Q(status=self.status)
        return condition

    def condition_sql(self) -> Condition:
        """The same in SQL, for lists that PostgreSQL is asked for place by place."""
        wanted = {name: getattr(self, name) for name in _SQL if getattr(self, name)}
        return Condition(tuple(_SQL[name] for name in wanted), tuple(wanted.values()))


def parse_filters(params: QueryDict) -> QueueFilters:
    """Filters from a query string; unknown values become “any”."""

    def text(name: str) -> str:
        value = params.get(name, "")
        return value if len(value) <= 200 and value.isprintable() else ""

    status = text("status")
    return QueueFilters(
        tab=params.get("tab") if params.get("tab") in TABS else "you",  # type: ignore[arg-type]
        project=text("project"),
        environment=text("environment"),
        action=text("action"),
        asked=text("asked"),
        status=status if status in set(Status) else "",
        after=text("after"),
    )


def encode_cursor(*values: object) -> str:
    """A keyset position as an opaque string."""
    raw = "|".join(v.isoformat() if isinstance(v, datetime) else str(v) for v in values)
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[datetime, UUID] | None:
    """Time and id of a keyset position; None for nonsense."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, one = raw.split("|")
        return datetime.fromisoformat(at), UUID(one)
    except (ValueError, binascii.Error, UnicodeDecodeError):
        return None
