"""The forms of passkeys: what a browser sends is taken apart before anything believes it."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
    SignupWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal.accounts.sign_ins import record_refused

# What the libraries raise for a credential that is none.
MALFORMED = (AttributeError, KeyError, TypeError, ValueError)
REFUSED = _("This passkey was not accepted. Try again.")


class PasskeyForm(SignupWebAuthnForm):  # type: ignore[misc]
    """A new passkey, which answers the challenge of the page, and how its owner calls it."""

    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        required=False,
        help_text=_("For example “laptop” or “key on the key ring”."),
    )

    def clean(self) -> dict[str, Any]:
        """Keeps of the credential only what says which key it is."""
        try:
            found: dict[str, Any] = super().clean()
            if credential := found.get("credential"):
                found["credential"] = _key_of(credential)
        except MALFORMED as error:
            raise ValidationError(REFUSED) from error
        return found


def _key_of(credential: dict[str, Any]) -> dict[str, Any]:
    response = credential["response"]
    return {
        "id": credential["id"],
        "rawId": credential["rawId"],
        "type": "public-key",
        "response": {name: response[name] for name in ("clientDataJSON", "attestationObject")},
        "clientExtensionResults": {"credProps": {"rk": True}},
    }


class _Checked:
    """Refuses in words what is no credential, and records a credential that does not fit."""

    user: Any

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except (ValidationError, *MALFORMED) as error:
            record_refused(self.user)
            if getattr(error, "code", "") == "too_many_login_attempts":
                raise
            raise ValidationError(REFUSED) from error


class SignInForm(_Checked, LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey alone, without a name: it says who it belongs to."""


class SecondFactorForm(_Checked, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey after the password."""


class ConfirmForm(_Checked, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey of somebody who is signed in."""
