"""Reports that are prepared and sent again and again."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.kernel.due import Due
from portal.kernel.ids import new_id


class ReportSchedule(models.Model):
    """Which report, of which period, when, and to whom.

    `next_slot`: the moment it is prepared next, None for one that was stopped. Who takes a slot
    moves it ahead, so that none is taken twice. `wish`: project and environment, as an address
    carries them. `error`: why the last slot came to nothing.
    """

    class Every(models.TextChoices):
        DAY = "day", _("Every day")
        WEEK = "week", _("Every Monday")
        MONTH = "month", _("On the first of every month")

    class Period(models.TextChoices):
        DAY = "day", _("The day before")
        WEEK = "week", _("The seven days before")
        MONTH = "month", _("The month before")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    report = models.CharField(max_length=60)
    form = models.CharField(max_length=10)
    wish = models.JSONField(default=dict, blank=True)
    period = models.CharField(_("period"), max_length=5, choices=Period)
    every = models.CharField(_("when"), max_length=5, choices=Every)
    hour = models.PositiveSmallIntegerField(_("hour"))
    zone = models.CharField(_("time zone"), max_length=64)
    recipients = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    next_slot = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(hour__lte=23), name="schedule_hour"),
            models.CheckConstraint(
                condition=Q(next_slot__isnull=False, stopped_at__isnull=True)
                | Q(next_slot__isnull=True, stopped_at__isnull=False),
                name="schedule_goes_on_or_stopped",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_slot"], condition=Q(next_slot__isnull=False), name="schedule_due"
            )
        ]

    def __str__(self) -> str:
        return f"{self.report}, {self.get_every_display()}"


class ReportMail(Due):
    """One prepared report for one person: sent once, or left out with the reason.

    It is `sending` before the mail server is asked: what a worker left in that state is never
    sent again, since nobody knows whether it went out.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        LEFT_OUT = "left_out", _("Left out")
        FAILED = "failed", _("Not sent")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    schedule = models.ForeignKey(ReportSchedule, on_delete=models.PROTECT, related_name="mails")
    export = models.ForeignKey(
        "approvals.Export", on_delete=models.PROTECT, related_name="mails", db_index=False
    )
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    why = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["export", "person"], name="report_mail_once"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sending"], next_try__isnull=False)
                | (~Q(state__in=["waiting", "sending"]) & Q(next_try__isnull=True)),
                name="report_mail_over_is_never_due",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try"], condition=Q(next_try__isnull=False), name="report_mail_due"
            )
        ]

    def __str__(self) -> str:
        return f"{self.state} mail of {self.export_id}"
