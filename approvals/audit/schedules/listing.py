"""Schedules in words, for their pages."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from approvals.audit.reports import REPORTS
from approvals.models import ReportMail, ReportSchedule
from portal.accounts.models import User
from portal.directory.models import Environment, Project

MOST_MAILS = 50


@dataclass(frozen=True)
class ScheduleRow:
    """A schedule; `title` says which report, `when` at which moments."""

    schedule: ReportSchedule
    title: str
    when: str


def schedules_of(person: User) -> QuerySet[ReportSchedule]:
    """Their own, and those that are sent to them; what goes on first, then the newest."""
    theirs = Q(by=person) | Q(recipients=person)
    found = ReportSchedule.objects.filter(theirs).distinct().select_related("by")
    return found.prefetch_related("recipients").order_by("stopped_at", "-pk")


def in_words(schedule: ReportSchedule) -> ScheduleRow:
    """For a line of a list."""
    report = REPORTS.get(schedule.report)
    when = _("%(every)s at %(hour)02d:00, %(zone)s") % {
        "every": schedule.get_every_display(),
        "hour": schedule.hour,
        "zone": schedule.zone,
    }
    return ScheduleRow(schedule, str(report.title) if report else schedule.report, when)


def place_of(schedule: ReportSchedule) -> str:
    """Where its rows come from."""
    project, environment = schedule.wish.get("project"), schedule.wish.get("environment")
    names = [
        *Project.objects.filter(pk=project).values_list("slug", flat=True),
        *Environment.objects.filter(pk=environment).values_list("name", flat=True),
    ]
    return " · ".join(names) or _("Everything that the one who set it up audits")


def mails_of(schedule: ReportSchedule) -> QuerySet[ReportMail]:
    """What became of the last ones, the newest first."""
    found = schedule.mails.select_related("person", "export").order_by("-pk")
    return found[:MOST_MAILS]
