"""Windows, exceptions, imported calendars, feeds."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from policies.freezes.calendar import Series
from portal.kernel.due import Due
from portal.kernel.ids import new_id


class Kind(models.TextChoices):
    """What a window is for."""

    FREEZE = "freeze", _("Freeze")
    BUSINESS_HOURS = "business_hours", _("Business hours")


class Scoped(models.Model):
    """Something that reaches the whole organisation, a project or one environment of it.

    `next_look` in the past = requests that wait in its scope have to be judged again: those after
    `looked_up_to`, in a look that began at `looking_since` (see looks.py). `changed_at` is when
    what it says last changed.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(
        "portal.Project", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    environment = models.ForeignKey(
        "portal.Environment", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField()
    next_look = models.DateTimeField(null=True, blank=True)
    looking_since = models.DateTimeField(null=True, blank=True)
    looked_up_to = models.UUIDField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def level(self) -> str:
        """organisation, project or environment."""
        if self.project_id is None:
            return "organisation"
        return "project" if self.environment_id is None else "environment"


def _in_scope(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(environment__isnull=True) | Q(project__isnull=False), name=name
    )


def _due(name: str) -> models.Index:
    return models.Index(fields=["next_look"], condition=Q(next_look__isnull=False), name=name)


class ImportedCalendar(Scoped, Due):
    """A calendar read by its address again and again; its windows are as its last answer said.

    The row says when it is due (`next_try`). `fetched_at` is the last time it was read well.
    """

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("its events are"), max_length=14, choices=Kind)
    zone = models.CharField(_("time zone"), max_length=64)
    url = models.TextField(_("address"), max_length=1000)
    etag = models.CharField(max_length=500, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "policies"
        default_permissions = ()
        ordering = ["name"]
        constraints = [_in_scope("calendar_scope")]
        indexes = [
            _due("calendar_look_due"),
            models.Index(
                fields=["next_try"], condition=Q(next_try__isnull=False), name="calendar_due"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FreezeWindow(Scoped):
    """A freeze or business hours: when (`series`), where (scope), and why."""

    kind = models.CharField(_("kind"), max_length=14, choices=Kind, default=Kind.FREEZE)
    reason = models.TextField(_("reason"), max_length=200)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    zone = models.CharField(_("time zone"), max_length=64)
    rule = models.CharField(_("rule"), max_length=500, blank=True)
    excluded = ArrayField(models.DateTimeField(), default=list, blank=True)
    over_at = models.DateTimeField(null=True, blank=True)
    calendar = models.ForeignKey(
        ImportedCalendar, on_delete=models.PROTECT, null=True, blank=True, related_name="windows"
    )
    uid = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "policies"
        default_permissions = ()
        ordering = ["starts_at"]
        constraints = [
            _in_scope("window_scope"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="window_ends"),
        ]
        indexes = [
            _due("window_look_due"),
            models.Index(
                fields=["project", "environment"],
                condition=Q(removed_at__isnull=True),
                name="window_in_force",
            ),
        ]

    def __str__(self) -> str:
        return self.reason

    @property
    def series(self) -> Series:
        """When it is, as the pure calendar reads it."""
        return Series(self.starts_at, self.ends_at, self.zone, self.rule, frozenset(self.excluded))

    @series.setter
    def series(self, series: Series) -> None:
        self.starts_at, self.ends_at = series.starts_at, series.ends_at
        self.zone, self.rule = series.zone, series.rule
        self.excluded = sorted(series.excluded)


class FreezeException(Scoped):
    """A named exception: until then, freezes do not count for its target."""

    name = models.TextField(_("name"), max_length=100)
    reason = models.TextField(_("reason"), max_length=500)
    action = models.CharField(_("action"), max_length=100, blank=True)
    lifts_organisation = models.BooleanField(default=False)
    until = models.DateTimeField(_("until"))
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    granted_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "policies"
        default_permissions = ()
        ordering = ["until"]
        constraints = [
            models.CheckConstraint(condition=Q(project__isnull=False), name="exception_scope"),
        ]
        indexes = [
            _due("exception_look_due"),
            models.Index(
                fields=["project", "until"],
                condition=Q(revoked_at__isnull=True),
                name="exception_holds",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CalendarFeed(models.Model):
    """A secret address at which a calendar program reads what its owner may see at that moment."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="calendar_feeds"
    )
    name = models.TextField(_("name"), max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    secret_hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "policies"
        default_permissions = ()
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"csf_{self.prefix}_…"
