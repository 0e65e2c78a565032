"""Forms that link an account at a forge."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from approvals.connections.forge_accounts import Forge, connected_forges
from portal.accounts.models import PROVIDERS


class AccountForm(forms.Form):
    """Which account, at which of the forges that are connected."""

    forge = forms.ChoiceField(label=_("Forge"))
    login = forms.RegexField(
        r"\A[A-Za-z0-9._\[\]-]{1,100}\Z",
        label=_("Name of the account there"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (" ".join(forge), f"{dict(PROVIDERS)[forge[0]]} · {forge[1]}")
            for forge in sorted(connected_forges())
        ]
        self.fields["forge"].choices = choices  # type: ignore[attr-defined]

    def clean_forge(self) -> Forge:
        """Provider and host."""
        provider, _space, host = self.cleaned_data["forge"].partition(" ")
        return provider, host


class ByHandForm(AccountForm):
    """The same for somebody else, with how the administrator knows."""

    reason = forms.CharField(
        label=_("How you know"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Kept with the link. For a bot: that this person answers for it."),
    )


class SignatureForm(forms.Form):
    """What `ssh-keygen -Y sign` printed."""

    signature = forms.CharField(
        label=_("Signature"),
        max_length=16_384,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono"}),
    )
