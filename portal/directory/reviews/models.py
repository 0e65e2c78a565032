"""An access review, and each membership and role that is looked at in it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.access import ROLES
from portal.directory.models import ApproverGroup, Project
from portal.kernel.clock import now
from portal.kernel.ids import new_id


class AccessReview(models.Model):
    """Managers look at each membership and role by a date, and keep or remove it.

    It is about one project, about one group, or where both are None about everything.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=100)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    group = models.ForeignKey(
        ApproverGroup, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    due_at = models.DateTimeField(_("due"))
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> str:
        """What it is about, in words."""
        return str(self.project or self.group or _("Everything"))

    @property
    def is_overdue(self) -> bool:
        """Whether its date has passed before it was finished."""
        return self.finished_at is None and self.due_at <= now()


class ReviewItem(models.Model):
    """One membership (`group`) or one role (`role` on `kind` and `object_id`) of a person.

    `place`: what its object was called when the review started.
    """

    class Outcome(models.TextChoices):
        OPEN = "", _("Not answered")
        KEPT = "kept", _("Kept")
        REMOVED = "removed", _("Removed")
        GONE = "gone", _("Had ended meanwhile")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    review = models.ForeignKey(AccessReview, on_delete=models.CASCADE, related_name="items")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    group = models.ForeignKey(ApproverGroup, on_delete=models.PROTECT, related_name="+", null=True)
    role = models.CharField(max_length=50, blank=True)
    kind = models.CharField(max_length=50, blank=True)
    object_id = models.CharField(max_length=36, blank=True)
    place = models.CharField(max_length=300)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True, default=Outcome.OPEN)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    answered_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        ordering = ["place", "role", "person__name", "id"]

    def __str__(self) -> str:
        return f"{self.person}, {self.title}, {self.place}"

    @property
    def title(self) -> str:
        """“Member”, or the role's title."""
        role = ROLES.get(self.role)  # a later release may not have it any more
        return role.title if role else self.role or gettext("Member")
