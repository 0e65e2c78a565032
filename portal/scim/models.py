"""Directories of people, and which people and approver groups each of them keeps."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.directory.models import ApproverGroup, slug
from portal.kernel.ids import new_id


class Directory(models.Model):
    """An identity provider that keeps people and groups here over SCIM; shows one bearer token.

    Only the token's hash is stored. The name never changes and is never given again: memberships
    say by it who keeps them.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(
        _("short name"), max_length=50, unique=True, validators=[slug],
        help_text=_("For people to know it by, for example “entra”. It cannot be changed."),
    )  # fmt: skip
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    secret_hash = models.BinaryField(max_length=32)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    renewed_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    archived_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def source(self) -> str:
        """What `Membership.source` says where this directory keeps the membership."""
        return f"scim:{self.name}"


class Kept(models.Model):
    """What a directory keeps, with its own words about it. `external_id` is its id over there."""

    directory = models.ForeignKey(Directory, on_delete=models.PROTECT, related_name="%(class)ss")
    external_id = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(null=True)  # by the directory, since it was added or given

    class Meta:
        abstract = True
        app_label = "portal"
        default_permissions = ()


class KeptPerson(Kept):
    """A person of a directory. One that it removed stays, deactivated, and is shown no more."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="kept"
    )
    profile = models.JSONField(default=dict)  # names and addresses, as the directory sent them
    removed_at = models.DateTimeField(null=True)

    class Meta(Kept.Meta):
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.person} of {self.directory}"


class KeptGroup(Kept):
    """An approver group of a directory. `display_name` may change there, the group's name not."""

    group = models.OneToOneField(ApproverGroup, on_delete=models.PROTECT, related_name="kept")
    display_name = models.CharField(max_length=200)

    class Meta(Kept.Meta):
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.group} of {self.directory}"
