"""Projects, environments and approver groups."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from portal.access.capabilities import (
    ENVIRONMENT_CAPABILITIES,
    GROUP_CAPABILITIES,
    PROJECT_CAPABILITIES,
    permissions,
)
from portal.kernel.ids import new_id

slug = RegexValidator(
    r"\A[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\Z",
    _("Use small letters, digits and . _ - between them; begin and end with a letter or digit."),
)
project_path = RegexValidator(
    r"\A(?!.*/\.{0,2}/)[a-z0-9](?:[a-z0-9._/-]*[a-z0-9])?\Z",
    _("Use small letters, digits, . _ - and slashes; between two slashes not dots alone."),
)


class Project(models.Model):
    """A code base or service whose pipelines may ask; bound to forge ids, never to names."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.CharField(
        _("short name"), max_length=100, unique=True, validators=[project_path],
        help_text=_("What pipelines send, for example “shop” or “payments/checkout”."),
    )  # fmt: skip
    name = models.CharField(_("name"), max_length=150)
    description = models.TextField(_("description"), blank=True, max_length=2000)
    repository = models.CharField(
        _("git repository"), max_length=500, blank=True,
        help_text=_("An https:// or ssh:// address, or a folder the portal may read."),
    )  # fmt: skip
    branch = models.CharField(
        _("protected branch"), max_length=200, default="main",
        help_text=_("Its tip is what git.head means."),
    )  # fmt: skip
    forge_id = models.BigIntegerField(
        _("forge project id"), null=True, blank=True, validators=[MinValueValidator(1)],
        help_text=_("The numeric id of the repository at the forge; names can be recycled."),
    )  # fmt: skip
    archived_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        permissions = permissions(PROJECT_CAPABILITIES)
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(condition=Q(forge_id__gte=1), name="project_forge_id_positive")
        ]

    def __str__(self) -> str:
        return self.slug


class Environment(models.Model):
    """A protected target of a project."""

    class Tier(models.TextChoices):
        PRODUCTION = "production", _("Production")
        STAGING = "staging", _("Staging")
        TESTING = "testing", _("Testing")
        DEVELOPMENT = "development", _("Development")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="environments")
    name = models.CharField(_("name"), max_length=100, validators=[slug])
    tier = models.CharField(_("tier"), max_length=12, choices=Tier)
    description = models.TextField(_("description"), blank=True, max_length=2000)
    archived_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        permissions = permissions(ENVIRONMENT_CAPABILITIES)
        ordering = ["project", "name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="environment_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class ApproverGroup(models.Model):
    """Named people who may decide; membership is read at the moment of use."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(
        _("short name"), max_length=100, unique=True, validators=[slug],
        help_text=_("What policies name, for example “team-leads”."),
    )  # fmt: skip
    description = models.TextField(_("description"), blank=True, max_length=2000)
    minimum = models.PositiveSmallIntegerField(
        _("smallest size"), default=1,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("How many active members it should have at least; with fewer it is marked."),
    )  # fmt: skip
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="portal.Membership", related_name="approver_groups",
        through_fields=("group", "person"),
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        permissions = permissions(GROUP_CAPABILITIES)
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


_SOURCES = {"oidc": "OpenID Connect", "saml": "SAML", "scim": "SCIM"}


class Membership(models.Model):
    """One person in one approver group."""

    group = models.ForeignKey(ApproverGroup, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships"
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    added_at = models.DateTimeField(auto_now_add=True)
    # Who keeps it: empty is a manager by hand, else `oidc:<id>` or `scim:<id>`.
    source = models.CharField(max_length=100, blank=True, default="", editable=False)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        ordering = ["person__name"]
        constraints = [models.UniqueConstraint(fields=["group", "person"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.person} in {self.group}"

    @property
    def source_word(self) -> str:
        """Who keeps it, as people read it."""
        if not self.source:
            return _now("By hand")
        kind, _colon, name = self.source.partition(":")
        return f"{_SOURCES.get(kind, kind)} ({name})"


class Delegation(models.Model):
    """For a time, `delegate` may decide for `group` on behalf of its member `delegator`; both may.

    It stands with the very membership it was made from: without that it is over for good.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    group = models.ForeignKey(ApproverGroup, on_delete=models.PROTECT, related_name="delegations")
    membership = models.ForeignKey(
        Membership, on_delete=models.SET_NULL, null=True, related_name="delegations"
    )
    delegator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_given"
    )
    delegate = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations"
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.TextField(_("reason"), max_length=500)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        ordering = ["starts_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="delegation_ends_after_start"
            ),
            models.CheckConstraint(
                condition=~Q(delegate=F("delegator")), name="delegation_to_somebody_else"
            ),
        ]
        indexes = [
            models.Index(
                fields=["delegate", "ends_at"],
                condition=Q(ended_at=None),
                name="delegation_to_person",
            )
        ]

    def __str__(self) -> str:
        return f"{self.delegate} for {self.delegator} in {self.group}"

    @property
    def stands(self) -> bool:
        """Whether what was decided on it in its time still counts; people must be loaded."""
        people = (self.delegator, self.delegate)
        kept = self.membership_id is not None and self.ended_at is None
        return kept and all(person.is_active for person in people)


class Departure(models.Model):
    """Somebody who may not decide for a group any more, while it is still to be looked at what
    counted on them. Triggers write it, whoever takes the right away.

    `up_to`: the last request that was looked at.
    """

    group = models.ForeignKey(ApproverGroup, on_delete=models.CASCADE, related_name="departures")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="departures"
    )
    up_to = models.UUIDField(null=True)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.person_id} left {self.group_id}"
