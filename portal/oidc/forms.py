"""Forms of providers, rules and links."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.directory.models import ApproverGroup, Project
from portal.kernel.person_field import PersonField
from portal.oidc.models import SignInProvider
from portal.oidc.rules import MAPPED

MOST_CLAIMS = 100_000
MOST_METADATA = 250_000


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new provider; of one that is there the issuer stays, and the secret may be left out."""

    secret = forms.CharField(
        label=_("Client secret"),
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = SignInProvider
        fields = ("name", "issuer", "client_id", "scopes", "groups_claim", "adds_people",
                  "confirms", "private")  # fmt: skip

    field_order = ("name", "issuer", "client_id", "secret")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].required = True
        if not self.instance._state.adding:
            del self.fields["issuer"]
            self.fields["secret"].required = False
            self.fields["secret"].help_text = _("Leave it empty to keep the one that is there.")


class SamlForm(forms.ModelForm):  # type: ignore[type-arg]
    """A SAML provider that is there: by new metadata, or by its address and certificates."""

    metadata = forms.CharField(
        label=_("Metadata"),
        required=False,
        max_length=MOST_METADATA,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=_("The XML that it offers for a service. It is not fetched from anywhere."),
    )
    sso_url = forms.CharField(
        label=_("Sign-in address"),
        required=False,
        max_length=500,
        help_text=_("Where it takes requests by HTTP-Redirect. Metadata goes before."),
    )
    certificates = forms.CharField(
        label=_("Certificate"),
        required=False,
        max_length=MOST_METADATA,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_("PEM, with what it signs; two while it changes. Metadata goes before."),
    )
    field_order = ("name", "metadata", "issuer", "sso_url", "certificates")

    class Meta:
        model = SignInProvider
        fields = ("name", "groups_claim", "subject_attribute", "adds_people", "private")
        labels = {"groups_claim": _("attribute with the groups")}
        help_texts = {"groups_claim": _("Its name, whole. Empty: none is read.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = self.instance.configuration
        self.initial["sso_url"] = known.get("sso_url", "")
        self.initial["certificates"] = "".join(known.get("certificates", []))


class NewSamlForm(SamlForm):
    """A new one: without metadata it needs its entity id too."""

    issuer = forms.CharField(
        label=_("Entity id"),
        required=False,
        max_length=500,
        help_text=_("What the provider calls itself. It never changes. Metadata goes before."),
    )


class RuleForm(forms.Form):
    """A value and what it gives."""

    value = forms.CharField(
        label=_("Value of the claim"),
        max_length=255,
        help_text=_("Exactly as the provider sends it; upper and lower case differ."),
    )
    group = forms.ModelChoiceField(
        label=_("Approver group"),
        queryset=ApproverGroup.objects.all(),
        required=False,
        empty_label=_("None"),
        help_text=_("Alone it gives membership, with a role that role on the group."),
    )
    role = forms.ChoiceField(
        label=_("Role"),
        required=False,
        choices=[("", _("None")), *((name, role.title) for name, role in MAPPED.items())],
        help_text=_("Administrators are named by hand."),
    )
    project = forms.ModelChoiceField(
        label=_("Project"),
        queryset=Project.objects.filter(archived_at=None),
        required=False,
        empty_label=_("The whole portal"),
        help_text=_("Where the role counts, unless a group is chosen."),
    )


class LinkForm(forms.Form):
    """A person here and their account there."""

    person = PersonField(label=_("Person (sign-in name)"))
    subject = forms.CharField(
        label=_("Subject"),
        max_length=191,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "The claim “sub”, of SAML the NameID or what stands for it. Whoever tries to sign "
            "in and is not linked is shown it."
        ),
    )


class DryRunForm(forms.Form):
    """Whom to ask about: a person by their last sign-in, or by claims that are pasted."""

    person = PersonField(
        label=_("Person (sign-in name)"),
        required=False,
        help_text=_("Without claims below, those of their last sign-in are taken."),
    )
    claims = forms.CharField(
        label=_("Claims"),
        required=False,
        max_length=MOST_CLAIMS,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=_("A JSON object as in an ID token, or of attributes. It is not kept."),
    )

    def clean_claims(self) -> dict[str, Any] | None:
        """The object, or None where nothing was pasted."""
        typed = self.cleaned_data["claims"].strip()
        try:
            found = json.loads(typed) if typed else None
        except (ValueError, RecursionError):
            raise forms.ValidationError(_("This is not JSON.")) from None
        if found is not None and not isinstance(found, dict):
            raise forms.ValidationError(_("A JSON object is needed, in braces."))
        return found

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not cleaned["person"] and cleaned["claims"] is None:
            raise forms.ValidationError(_("Name a person or paste claims."))
        return cleaned
