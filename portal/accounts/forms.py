"""Forms of people, service accounts, project tokens and one's own preferences."""

import zoneinfo
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from portal.accounts.authentication import DEFAULT_LIFETIME, MAX_LIFETIME, SCOPES
from portal.accounts.models import ServiceAccount, User
from portal.kernel.clock import now
from portal.kernel.person_field import PersonField

SCOPE_WORDS = {
    "request": _("Ask: submit, wait, redeem, finish, withdraw"),
    "read": _("Read: the requests of the project"),
    "admit": _("Admit: ask for a cluster whether an image may run"),
}


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person, new or changed. The sign-in name is what they type; names may repeat."""

    class Meta:
        model = User
        fields = ("username", "name", "email")
        labels = {"username": _("Sign-in name")}


class InviteForm(PersonForm):
    """The same for somebody who gets a mail."""

    email = forms.EmailField(label=_("E-mail address"))


class FirstPasswordForm(forms.Form):
    """The password of somebody who was invited, typed twice."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters."),
    )
    again = forms.CharField(
        label=_("The same again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Only the password goes on."""
        found = super().clean() or {}
        if found.pop("again", None) != found.get("password"):
            self.add_error("again", _("This is not the same."))
        return found


class ServiceAccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """A service account: its name in the project and the person who answers for it."""

    owner = PersonField(
        label=_("Owner (sign-in name)"),
        help_text=_("The person who answers for it. The owner may not decide on its requests."),
    )

    class Meta:
        model = ServiceAccount
        fields = ("name",)
        help_texts = {"name": _("For example “deploy-pipeline”.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.owner_id is not None:
            self.fields["owner"].initial = self.instance.owner


class TokenForm(forms.Form):
    """What a new project token may do, where, and until when."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[(name, SCOPE_WORDS[name]) for name in SCOPES],
        initial=["request"],
        widget=forms.CheckboxSelectMultiple,
    )
    environments: "forms.ModelMultipleChoiceField[Model]" = forms.ModelMultipleChoiceField(
        label=_("Environments"),
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Tick none for all environments of the project, later ones included."),
    )
    expires_at = forms.DateField(
        label=_("Last day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("At most one year from now. A short life limits what a leaked token can do."),
    )

    def __init__(self, *args: Any, account: ServiceAccount, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        environments = account.project.environments.filter(archived_at=None).order_by("name")
        self.fields["environments"].queryset = environments  # type: ignore[attr-defined]
        today = now().date()
        self.fields["expires_at"].initial = today + DEFAULT_LIFETIME
        self.fields["expires_at"].widget.attrs |= {
            "min": today.isoformat(),
            "max": (today + MAX_LIFETIME).isoformat(),
        }

    def clean_expires_at(self) -> datetime:
        """The end of the chosen day; on the last day allowed, the moment a year from now."""
        day, limit = self.cleaned_data["expires_at"], now() + MAX_LIFETIME
        end = datetime.combine(day, time.max, tzinfo=UTC)
        return limit if day == limit.date() else end


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a person sets for themselves."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        help_text=_("Times on every page are shown in it."),
    )

    class Meta:
        model = User
        fields = ("time_zone", "theme", "single_keys")
        labels = {"theme": _("Colours")}
        help_texts = {"single_keys": _("Such as j and k in the queue. They never decide.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(zoneinfo.available_timezones() - {"localtime"})
        self.fields["time_zone"].choices = [(z, z) for z in zones]  # type: ignore[attr-defined]


def _day(label: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget)


class AbsenceForm(forms.Form):
    """The days on which a person is out of office."""

    first_day = _day(_("First day"))
    last_day = _day(_("Last day"))
