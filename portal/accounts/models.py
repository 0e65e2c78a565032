"""People and their accounts at forges; service accounts and their project tokens."""

import uuid
from collections.abc import Collection
from importlib import import_module
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from portal.kernel.clock import now
from portal.kernel.ids import new_id

PROVIDERS = [("github", "GitHub"), ("gitlab", "GitLab")]


class User(AbstractUser):
    """A person. `actor_ref` is the random reference that the ledger uses instead of a name."""

    class Theme(models.TextChoices):
        SYSTEM = "system", _("Same as the system")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=150)
    email = models.EmailField(_("e-mail address"), blank=True)
    actor_ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    theme = models.CharField(max_length=8, choices=Theme, default=Theme.SYSTEM)
    single_keys = models.BooleanField(_("keyboard shortcuts with single keys"), default=True)
    deactivated_by = models.CharField(max_length=36, blank=True, editable=False)  # an actor
    erased_at = models.DateTimeField(null=True, editable=False)

    REQUIRED_FIELDS = ["name"]

    class Meta:
        app_label = "portal"
        default_permissions = ()
        ordering = ["name"]
        constraints = [
            # Sign-in ignores case: names that differ in case only would be one name to people.
            models.UniqueConstraint(
                Lower("username"),
                name="username_once_in_any_case",
                violation_error_message=_("Somebody signs in with this name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name or self.username

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """The one constraint is the sign-in name's: say it beside that field."""
        try:
            super().validate_constraints(exclude)
        except ValidationError as error:
            raise ValidationError({"username": error.messages}) from error

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]


class Absence(models.Model):
    """When a person is out of office next, in days of their own time zone. It changes no right."""

    person = models.OneToOneField(User, on_delete=models.CASCADE, related_name="absence")
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))

    class Meta:
        app_label = "portal"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")), name="absence_ends_after_start"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person_id} until {self.last_day}"

    @property
    def is_now(self) -> bool:
        """Whether today, where the person is, is one of its days; `person` must be loaded."""
        today = now().astimezone(ZoneInfo(self.person.time_zone)).date()
        return self.first_day <= today <= self.last_day


class Session(AbstractBaseSession):
    """A browser's session. Where somebody signed in it is a device to them: `device` names it in
    addresses and entries. What stands in `session_key` is a hash (portal/accounts/sessions.py)."""

    person = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    device = models.UUIDField(null=True, unique=True)
    agent = models.CharField(max_length=80, default="")
    address = models.CharField(max_length=45, default="")
    signed_in_at = models.DateTimeField(null=True)
    signed_in_by = models.CharField(max_length=80, default="")

    class Meta:
        app_label = "portal"
        default_permissions = ()

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        """Django asks the model which engine reads it."""
        store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        return store


class Invitation(models.Model):
    """A link for a person who has no password yet: only the hash of its secret is stored."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    secret_hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)  # accepted, withdrawn, or another one was sent

    class Meta:
        app_label = "portal"
        default_permissions = ()
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"invitation {self.pk}"


class ServiceAccount(models.Model):
    """A machine identity of one project; asks and redeems, never decides. Owned by a person."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(
        "portal.Project", on_delete=models.PROTECT, related_name="service_accounts"
    )
    name = models.CharField(_("name"), max_length=100)
    owner = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        related_name="service_accounts",
        verbose_name=_("owner"),
        help_text=_("The person who answers for it. The owner may not decide on its requests."),
    )
    actor_ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="service_account_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class ProjectToken(models.Model):
    """A bearer secret of a service account: only its hash is stored, the secret is shown once.

    A run token is one that a workload got for its own token: `trust` is what it was accepted by,
    `proof` what makes that count once, and all it may do is bound to one run attempt.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(ServiceAccount, on_delete=models.PROTECT, related_name="tokens")
    prefix = models.CharField(max_length=16, unique=True)
    secret_hash = models.BinaryField(max_length=32)
    scopes = models.JSONField(default=list)
    environments = models.ManyToManyField(
        "portal.Environment", blank=True, related_name="+", verbose_name=_("environments")
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    trust = models.ForeignKey(
        "portal.Trust", on_delete=models.PROTECT, related_name="run_tokens", null=True
    )
    run_id = models.CharField(max_length=200, blank=True)
    run_attempt = models.PositiveIntegerField(null=True)
    proof = models.CharField(max_length=71, null=True, unique=True)  # noqa: DJ001

    class Meta:
        app_label = "portal"
        default_permissions = ()
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(trust=None, run_id="", run_attempt=None, proof=None)
                | (Q(trust__isnull=False, run_attempt__gte=1, proof__isnull=False) & ~Q(run_id="")),
                name="project_token_of_person_or_run",
            )
        ]

    def __str__(self) -> str:
        return f"cst_{self.prefix}_…"


class ForgeAccount(models.Model):
    """An account at a forge and the person behind it; of a bot, the person who answers for it.

    `host` is where the forge stands, `number` what it calls the account by for ever; `login` is
    only for people, for it can be given to somebody else. A link that was ended keeps its row.
    """

    class How(models.TextChoices):
        SIGNED = "signed", _("Signed with a key that the forge publishes")
        BY_HAND = "by-hand", _("Linked by an administrator")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="forge_accounts")
    provider = models.CharField(_("forge"), max_length=20, choices=PROVIDERS)
    host = models.CharField(_("host"), max_length=200)
    number = models.BigIntegerField(_("account number"), validators=[MinValueValidator(1)])
    login = models.CharField(_("name there"), max_length=100, blank=True)
    how = models.CharField(max_length=10, choices=How)
    reason = models.TextField(_("reason"), max_length=500)
    linked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    linked_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, editable=False, blank=True)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        verbose_name = _("link")
        ordering = ["provider", "host", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "host", "number"],
                condition=models.Q(archived_at__isnull=True),
                name="forge_account_of_one_person",
                violation_error_message=_("This account is linked already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.login or self.number} · {self.host}"


class ForgeChallenge(models.Model):
    """What a person signs to show that an account at a forge is theirs. Good once, for minutes."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    provider = models.CharField(max_length=20, choices=PROVIDERS)
    host = models.CharField(max_length=200)
    number = models.BigIntegerField()
    login = models.CharField(max_length=100)
    text = models.TextField()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        indexes = [models.Index(fields=["person", "made_at"], name="forge_challenge_lately")]

    def __str__(self) -> str:
        return f"{self.login} at {self.host}"
