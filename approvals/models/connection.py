"""Outside systems that sources read, what each of them answered lately, and what they told."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.kernel.ids import new_id

OPEN_AFTER = 5  # failures in a row


def key_of(kind: str, connection_id: UUID) -> str:
    """The key of the readings of one connection."""
    return f"{kind}:{connection_id}"


class Connection(models.Model):
    """One outside system as it is configured. `kind` is the name of the source that reads it.

    Without a project it is organisation-wide; without an environment it reaches every environment
    of its project. `secrets` are sealed, by field name: nobody can read them again. Nothing but
    `hosts` is ever asked, and addresses inside this network only where `private`. `revision` counts
    the changes of all that.
    `hook_secret` is what its hook is signed with, sealed, empty where it has none; answers from
    before `heard_at` are old, for the outside system said then that something changed.
    `failures` in a row open its circuit breaker until `open_until`; `limited_until` is what the
    other side asked for. `moved_at` is set until what waits was judged again, so far up to the
    request `met_up_to`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=50)
    name = models.CharField(_("name"), max_length=100)
    project = models.ForeignKey(
        "portal.Project", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    environment = models.ForeignKey(
        "portal.Environment", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    settings = models.JSONField(default=dict, blank=True)
    secrets = models.JSONField(default=dict, blank=True)
    hook_secret = models.CharField(max_length=300, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    hosts = ArrayField(models.CharField(max_length=260), default=list, blank=True)
    private = models.BooleanField(default=False)
    revision = models.PositiveIntegerField(default=1)
    paused_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    moved_at = models.DateTimeField(null=True, blank=True)
    met_up_to = models.UUIDField(null=True, blank=True)

    last_success_at = models.DateTimeField(null=True, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    failures = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(null=True, blank=True)
    limit_left = models.PositiveIntegerField(null=True, blank=True)
    limit_resets_at = models.DateTimeField(null=True, blank=True)
    limit_reserve = models.PositiveIntegerField(default=0)
    limited_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(environment__isnull=True) | Q(project__isnull=False),
                name="connection_scope",
            ),
            models.UniqueConstraint(
                fields=["project", "name"],
                condition=Q(archived_at__isnull=True, project__isnull=False),
                name="connection_name_once",
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(archived_at__isnull=True, project__isnull=True),
                name="connection_name_once_everywhere",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """What readings of it are kept under."""
        return key_of(self.kind, self.pk)

    def breaker(self, at: datetime) -> str:
        """`closed`; `open`: it is not asked; `half-open`: the next question tries it again."""
        if self.failures < OPEN_AFTER or self.open_until is None:
            return "closed"
        return "open" if self.open_until > at else "half-open"


class KeptAnswer(models.Model):
    """What an outside system answered to one question, for everybody who asks the same.

    `asked_at` is when it was last known to be so; `etag` is sent to learn whether it still is.
    """

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="answers", db_index=False
    )
    key = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.BinaryField()
    etag = models.CharField(max_length=500, blank=True)
    asked_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["connection", "key"], name="kept_answer_once")
        ]

    def __str__(self) -> str:
        return f"{self.status} of {self.connection_id}"


class AnswerTurn(models.Model):
    """Whose turn it is to put a question to an outside system, until it has answered or `until`."""

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=64)
    until = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["connection", "key"], name="answer_turn_once")
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.connection_id}"


class HookDelivery(models.Model):
    """A delivery of an outside system; `number` is the SHA-256 of what it calls it. Each counts
    once."""

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    number = models.CharField(max_length=64)
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["connection", "number"], name="hook_delivery_once")
        ]

    def __str__(self) -> str:
        return f"{self.number} to {self.connection_id}"
