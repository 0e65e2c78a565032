"""Which rows of a report somebody wants, read from the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from uuid import UUID

from django.utils.timezone import get_current_timezone, get_current_timezone_name
from django.utils.translation import gettext as _

from approvals.audit.scope import AuditScope
from portal.directory.models import Environment, Project
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Invalid, NotFound

DAYS = 30
DAY = timedelta(days=1)


@dataclass(frozen=True)
class ReportFilters:
    """`since` to `until`, both whole days in `zone`; a project and an environment, or any."""

    scope: AuditScope
    since: date
    until: date
    zone: tzinfo
    zone_name: str
    project: Project | None = None
    environment: Environment | None = None

    @property
    def period(self) -> tuple[datetime, datetime]:
        """The moment it begins, and the one before which it ends."""
        first, after = (datetime.combine(day, time(), self.zone) for day in self._days())
        return first, after

    def _days(self) -> tuple[date, date]:
        return self.since, self.until + DAY

    @property
    def projects(self) -> list[UUID] | None:
        """Whose rows: never others than the scope's. None for everything."""
        return [self.project.pk] if self.project else self.scope.projects

    def parameters(self) -> dict[str, Any]:
        """For the statement of a report."""
        since, until = self.period
        return {
            "since": since,
            "until": until,
            "projects": self.projects,
            "environment": self.environment.pk if self.environment else None,
            "zone": self.zone_name,
        }

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        since, until = self.period
        return {
            "since": rfc3339(since),
            "until": rfc3339(until),
            "projects": None if self.projects is None else sorted(map(str, self.projects)),
            "environment": str(self.environment.pk) if self.environment else None,
        }

    def query(self) -> dict[str, str]:
        """As an address carries it."""
        wanted = {"since": self.since.isoformat(), "until": self.until.isoformat()}
        if self.project:
            wanted["project"] = str(self.project.pk)
        if self.environment:
            wanted["environment"] = str(self.environment.pk)
        return wanted


def report_filters(scope: AuditScope, params: Mapping[str, str]) -> ReportFilters:
    """Read them for a reader with this scope, whose time zone is active.

    Raises Invalid for a day that is none, NotFound for a place that is not in the scope.
    """
    zone = get_current_timezone()
    until = day_of("until", params.get("until", "")) or now().astimezone(zone).date()
    since = day_of("since", params.get("since", "")) or until - timedelta(days=DAYS - 1)
    if since > until:
        raise _invalid("since", _("The first day is after the last one."))
    project, environment = params.get("project", ""), params.get("environment", "")
    found = scope.environment(_id(environment)) if environment else None
    chosen = scope.project(_id(project)) if project else found.project if found else None
    if found and chosen and found.project_id != chosen.pk:
        raise NotFound(_("This environment belongs to another project."))
    return ReportFilters(scope, since, until, zone, get_current_timezone_name(), chosen, found)


def day_of(name: str, text: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise _invalid(name, _("Write a day like 2026-11-25.")) from error
    if not 2000 <= day.year <= 2200:
        raise _invalid(name, _("Take a year between 2000 and 2200."))
    return day


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(_("There is no such place, or it is not yours to audit.")) from error


def _invalid(name: str, sentence: str) -> Invalid:
    return Invalid(sentence, errors=[{"field": name, "message": sentence}])
