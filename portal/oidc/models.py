"""Providers that say who somebody is, and the rules that say what their claims give."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.access import ROLES
from portal.kernel.ids import new_id


class Kind(models.TextChoices):
    """How a provider says who somebody is."""

    OPENID = "oidc", _("OpenID Connect")
    SAML = "saml", _("SAML 2.0")


class SignInProvider(models.Model):
    """Its issuer never changes: a subject says who it is only with its issuer.

    `configuration` of an OpenID provider is what its discovery document said when an administrator
    last checked it; only these addresses are asked. Of a SAML provider it is what an administrator
    entered: `sso_url`, and `certificates` as PEM; `client_id` is this portal's entity id there.
    Nobody signs in through a provider that was never checked.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(
        max_length=10, choices=Kind.choices, default=Kind.OPENID, editable=False
    )
    name = models.CharField(
        _("name"), max_length=40, help_text=_("What the button of the sign-in page says.")
    )
    issuer = models.CharField(
        _("issuer"), max_length=500,
        help_text=_("Exactly as the provider writes it, for example https://login.example.com."),
    )  # fmt: skip
    client_id = models.CharField(_("client id"), max_length=255)
    secret = models.TextField(editable=False, blank=True)  # sealed; SAML has none
    scopes = models.CharField(
        _("scopes"), max_length=500, blank=True, default="openid profile email",
        help_text=_("What is asked for, with spaces between; “openid” has to be among it."),
    )  # fmt: skip
    groups_claim = models.CharField(
        _("claim with the groups"), max_length=200, blank=True, default="groups",
        help_text=_("A dot leads into it, for example “realm_access.roles”. Empty: none is read."),
    )  # fmt: skip
    subject_attribute = models.CharField(
        _("attribute that names the account"), max_length=200, blank=True, default="",
        help_text=_("One that never changes and is nobody else's. Empty: the persistent NameID."),
    )  # fmt: skip
    adds_people = models.BooleanField(
        _("add people at their first sign-in"), default=False,
        help_text=_("Everybody the provider lets through gets an account here. Otherwise an "
                    "administrator links each account."),
    )  # fmt: skip
    confirms = models.BooleanField(
        _("it may confirm decisions"), default=False,
        help_text=_("Where policy asks for a second factor, signing in anew there is one. It must "
                    "honour prompt=login and max_age, send auth_time, and ask for more than "
                    "a password."),
    )  # fmt: skip
    private = models.BooleanField(
        _("it stands inside this network"), default=False,
        help_text=_("Lets the portal ask addresses inside its own network, and speak http there."),
    )  # fmt: skip
    configuration = models.JSONField(default=dict, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    archived_at = models.DateTimeField(null=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(editable=False)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(archived_at=None),
                name="sign_in_provider_name_once",
                violation_error_message=_("There is a provider of this name already."),
            ),
            models.CheckConstraint(
                condition=~Q(kind=Kind.SAML) | Q(secret="", scopes="", confirms=False),
                name="sign_in_provider_saml_fields",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """What the rows of django-allauth call it."""
        return self.source if self.kind == Kind.SAML else str(self.pk)

    @property
    def source(self) -> str:
        """What memberships and roles carry that came from here."""
        return f"{self.kind}:{self.pk}"


class ClaimRule(models.Model):
    """Whoever has `value` among the groups of their claims gets a membership or a role.

    Without a role: membership of `group`. With one: the role on `group`, on `project` or, with
    neither, on the whole portal. A rule gives nothing to whoever wrote it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.ForeignKey(SignInProvider, on_delete=models.PROTECT, related_name="rules")
    value = models.CharField(
        _("value of the claim"), max_length=255,
        help_text=_("Exactly as the provider sends it; upper and lower case differ."),
    )  # fmt: skip
    group = models.ForeignKey(
        "portal.ApproverGroup",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="claim_rules",
    )
    project = models.ForeignKey(
        "portal.Project",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="claim_rules",
    )
    role = models.CharField(max_length=50, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        app_label = "portal"
        default_permissions = ()
        ordering = ["value", "created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(group__isnull=False, project=None) | Q(group=None) & ~Q(role=""),
                name="claim_rule_gives_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"{self.value}: {self.gift}"

    @property
    def gift(self) -> str:
        """What it gives, in words."""
        if not self.role:
            return str(_("member of %(group)s") % {"group": self.group})
        words = {"role": ROLES[self.role].title, "place": self.group or self.project}
        if words["place"] is None:
            return str(_("%(role)s on the whole portal") % words)
        return str(_("%(role)s on %(place)s") % words)

    def target(self, organisation: Any) -> Any:
        """The object its role is on."""
        return self.group or self.project or organisation
