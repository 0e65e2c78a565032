"""A second factor that a person showed in order to decide once."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.kernel.ids import new_id


class StepUp(models.Model):
    """Bound to the person, the session, the request and the snapshot that was on the screen.

    `method` is `passkey`, `totp`, or `oidc:ID` for signing in anew at that provider. `proof` is a
    digest of what was shown (the challenge that a passkey signed, the time step of a code, the
    nonce of an ID token), so that the same one never serves twice. `decision` is the one it was
    used for: set once, by the database's own guard. Nothing else about a row changes.
    """

    class Method(models.TextChoices):
        PASSKEY = "passkey"
        TOTP = "totp"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    request = models.ForeignKey("approvals.Request", on_delete=models.PROTECT, related_name="+")
    snapshot = models.ForeignKey(
        "approvals.Snapshot", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    session = models.CharField(max_length=71)
    method = models.CharField(max_length=41)
    proof = models.CharField(max_length=71, unique=True)
    at = models.DateTimeField()
    decision = models.OneToOneField(
        "approvals.Decision", on_delete=models.PROTECT, null=True, related_name="step_up"
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(method__in=["passkey", "totp"])
                | Q(method__regex=r"^oidc:[0-9a-f-]{36}$"),
                name="step_up_method_known",
            ),
            models.CheckConstraint(condition=~Q(session=""), name="step_up_has_a_session"),
        ]

    def __str__(self) -> str:
        return f"{self.method} by {self.person_id}"
