"""Pages of reports that are sent regularly: set up, changed, seen, stopped."""

import zoneinfo
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.audit.exports.report_job import report_of
from approvals.audit.reports.download import FORMS
from approvals.audit.reports.filters import report_filters
from approvals.audit.reports.report import Report
from approvals.audit.schedules.change import (
    change_schedule,
    create_schedule,
    filters_of,
    leave_schedule,
    load_schedule,
    stop_schedule,
)
from approvals.audit.schedules.listing import in_words, mails_of, place_of, schedules_of
from approvals.audit.scope import audit_scope, auditors_of
from approvals.models import ReportSchedule
from approvals.views.http import PersonRequest
from portal.accounts.models import User
from portal.kernel.http import attempt, form_page, page_of


class ScheduleForm(forms.Form):
    """When, as what, of which days, and to whom."""

    every = forms.ChoiceField(
        label=gettext_lazy("When"), choices=ReportSchedule.Every, initial="week"
    )
    hour = forms.IntegerField(label=gettext_lazy("Hour"), min_value=0, max_value=23, initial=7)
    zone = forms.ChoiceField(label=gettext_lazy("Time zone"))
    period = forms.ChoiceField(
        label=gettext_lazy("Which days"), choices=ReportSchedule.Period, initial="week"
    )
    form = forms.ChoiceField(label=gettext_lazy("Kind of file"))
    recipients = forms.ModelMultipleChoiceField(
        label=gettext_lazy("To"),
        queryset=User.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Who audits all of this. That is looked at again each time; they get a mail that leads "
            "here, without the file."
        ),
    )

    def __init__(
        self, *args: Any, report: Report, people: "QuerySet[User]", zone: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(zoneinfo.available_timezones() - {"localtime"})
        self._choose("zone", [(one, one) for one in zones])
        self._choose("form", [(one, one.upper()) for one in FORMS])
        self.fields["zone"].initial = zone
        self.fields["recipients"].queryset = people  # type: ignore[attr-defined]
        if not report.periodic:
            del self.fields["period"]

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices


@require_safe
def schedules(request: PersonRequest) -> HttpResponse:
    """The reader's own, and those that are sent to them."""
    audit_scope(request.user)
    page = page_of(request, schedules_of(request.user))
    rows = [in_words(one) for one in page.object_list]
    context = {"page": page, "rows": rows, "no_mail": _no_mail()}
    return render(request, "audit/schedules.html", context)


def _no_mail() -> str:
    """What is wrong where no mail is sent; empty where it is."""
    if settings.SENDS_MAIL:
        return ""
    return _(
        "The portal sends no mail yet: whoever runs it sets EMAIL_URL. The reports are prepared "
        "all the same, and wait under Exports."
    )


@require_http_methods(["GET", "POST"])
def schedule_new(request: PersonRequest, report_name: str) -> HttpResponse:
    """Have a report sent; its project and environment stand in the address as on its page."""
    filters = report_filters(audit_scope(request.user), request.GET.dict())
    report = report_of(report_name)
    people = auditors_of(filters.projects).exclude(email="").order_by("name")
    form = ScheduleForm(request.POST or None, report=report, people=people, zone=filters.zone_name)
    given: dict[str, Any] = {"by": request.user, "filters": filters, "report": report.name}
    if not report.periodic:
        given["period"] = ReportSchedule.Period.DAY
    made = attempt(form, _create, **given)
    if made is not None:
        messages.success(request, _("Set up. The first one comes at the time below."))
        return redirect("schedule", made.pk)
    return form_page(
        request,
        form,
        title=_("Send “%(report)s” regularly") % {"report": report.title},
        intro=_no_mail(),
        submit=_("Send regularly"),
        cancel=f"{reverse('report', args=[report.name])}?{request.GET.urlencode()}",
    )


@require_http_methods(["GET", "POST"])
def schedule_change(request: PersonRequest, schedule_id: UUID) -> HttpResponse:
    """When, as what and to whom it is sent."""
    audit_scope(request.user)
    found = load_schedule(request.user, schedule_id)
    filters, report = filters_of(request.user, found), report_of(found.report)
    initial = {name: getattr(found, name) for name in ("every", "hour", "zone", "period", "form")}
    form = ScheduleForm(
        request.POST or None,
        report=report,
        people=auditors_of(filters.projects).exclude(email="").order_by("name"),
        zone=found.zone,
        initial=initial | {"recipients": found.recipients.all()},
    )
    if attempt(form, _change, by=request.user, schedule=found) is not None:
        messages.success(request, _("Saved. The next one comes at the time below."))
        return redirect("schedule", found.pk)
    return form_page(
        request,
        form,
        title=_("Change how “%(report)s” is sent") % {"report": report.title},
        intro=_no_mail(),
        submit=_("Save"),
        cancel=reverse("schedule", args=[found.pk]),
    )


def _change(recipients: "QuerySet[User]", **wanted: Any) -> ReportSchedule:
    return change_schedule(recipients=list(recipients), **wanted)


def _create(recipients: "QuerySet[User]", **wanted: Any) -> ReportSchedule:
    return create_schedule(recipients=list(recipients), **wanted)


@require_safe
def schedule(request: PersonRequest, schedule_id: UUID) -> HttpResponse:
    """Its settings, and what became of the last ones."""
    audit_scope(request.user)
    found = load_schedule(request.user, schedule_id)
    people = list(found.recipients.order_by("name"))
    context = {
        "row": in_words(found),
        "schedule": found,
        "place": place_of(found),
        "people": people,
        "own": found.by_id == request.user.pk,
        "gets": request.user in people,
        "mails": mails_of(found),
        "no_mail": _no_mail(),
    }
    return render(request, "audit/schedule.html", context)


@require_POST
def schedule_stop(request: PersonRequest, schedule_id: UUID) -> HttpResponse:
    """Send it no more."""
    stop_schedule(by=request.user, schedule=load_schedule(request.user, schedule_id))
    messages.success(request, _("Stopped."))
    return redirect("schedule", schedule_id)


@require_POST
def schedule_leave(request: PersonRequest, schedule_id: UUID) -> HttpResponse:
    """The reader gets it no more."""
    leave_schedule(by=request.user, schedule=load_schedule(request.user, schedule_id))
    messages.success(request, _("You get this report no more."))
    return redirect("schedules")
