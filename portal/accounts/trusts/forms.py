"""The form of a trust, made for one preset, and the one that takes a token to test."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import ServiceAccount
from portal.accounts.trusts.models import Trust
from portal.accounts.trusts.presets import Preset
from portal.accounts.trusts.verify import ALGORITHMS

MOST_TOKEN = 16_384
_LINES = {"rows": 3, "spellcheck": "false"}


class Lines(forms.CharField):
    """Texts, one on each line; cleans to a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs=_LINES), max_length=5000, **kwargs)

    def clean(self, value: Any) -> Any:
        lines = super().clean(value).splitlines()
        return list(dict.fromkeys(line.strip() for line in lines if line.strip()))

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value


class Equalities(Lines):
    """`NAME = VALUE` on each line; cleans to a dictionary of texts."""

    def clean(self, value: Any) -> Any:
        pairs = [line.partition("=") for line in super().clean(value)]
        if not all(equals for _name, equals, _value in pairs):
            raise ValidationError(_("Write one claim a line, as in name = value."))
        return {name.strip(): wanted.strip() for name, _equals, wanted in pairs}

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return "\n".join(f"{name} = {wanted}" for name, wanted in value.items())
        return value


class TrustForm(forms.Form):
    """Who may act as which service account. What the preset's system does not tell is left out."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("For people to know it by.")
    )
    account: "forms.ModelChoiceField[ServiceAccount]" = forms.ModelChoiceField(
        label=_("Acts as the service account"), queryset=ServiceAccount.objects.none()
    )
    issuer = forms.CharField(
        label=_("Issuer"),
        max_length=300,
        help_text=_("Exactly as iss says it, also at the end."),
    )
    source = forms.CharField(label=_("Id"), max_length=100)
    refs = Lines(
        label=_("Protected branches and tags"),
        help_text=_(
            "Full names, one on each line: refs/heads/main. One * stands for anything without a "
            "slash, as in refs/tags/v*."
        ),
    )
    events = Lines(
        label=_("Events"),
        help_text=_("One on each line. Those in which a stranger's code runs are never accepted."),
    )
    environment = forms.CharField(
        label=_("Environment in the token"),
        max_length=200,
        required=False,
        help_text=_("Only jobs of this environment of the CI system."),
    )
    workflow = forms.CharField(
        label=_("File of the pipeline"),
        max_length=300,
        required=False,
        help_text=_("Only jobs of this file of the repository, by its path."),
    )
    claims = Equalities(
        label=_("Further claims"),
        required=False,
        help_text=_("NAME = VALUE, one on each line. Each has to be equal, as text."),
    )
    run_claim = forms.CharField(
        label=_("Claim with the run"),
        max_length=100,
        help_text=_("Its value must be another for every run of the workload."),
    )
    attempt_claim = forms.CharField(
        label=_("Claim with the attempt"), max_length=100, required=False
    )
    environments: "forms.ModelMultipleChoiceField[Model]" = forms.ModelMultipleChoiceField(
        label=_("Environments it may ask for"),
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Tick none for all environments of the project, later ones included."),
    )
    keys_url = forms.CharField(
        label=_("Address of the keys"),
        max_length=500,
        required=False,
        help_text=_("The key set (JWKS) of the issuer. Empty: where this system usually has it."),
    )
    algorithm = forms.ChoiceField(
        label=_("Signed with"), choices=[(name, name) for name in ALGORITHMS]
    )
    private = forms.BooleanField(
        label=_("The issuer stands inside this network"),
        required=False,
        help_text=_("Lets the portal ask addresses inside its own network, and speak http there."),
    )

    def __init__(
        self,
        *args: Any,
        preset: Preset,
        project: Any,
        administers: bool,
        trust: Trust | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._private = trust.private if trust else False
        self._aside = {"keys_url", "algorithm", "private"} if preset.keys else {"private"}
        if preset.issuer:
            self._aside.add("issuer")
        self._offer(project)
        self._fit(preset, administers)
        self._fill(preset, trust)

    def _offer(self, project: Any) -> None:
        accounts = project.service_accounts.filter(is_active=True)
        environments = project.environments.filter(archived_at=None).order_by("name")
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
        self.fields["environments"].queryset = environments  # type: ignore[attr-defined]

    def _fit(self, preset: Preset, administers: bool) -> None:
        """Leave out what this system does not tell, and name its id as the system does."""
        told = {
            "source": preset.source,
            "refs": preset.tells_ref,
            "events": preset.event,
            "environment": preset.environment,
            "workflow": preset.tells_workflow,
            "run_claim": not preset.run,
            "attempt_claim": not preset.run,
            "private": administers,
        }
        for name, here in told.items():
            if not here:
                del self.fields[name]
        if preset.source:
            self.fields["source"].label = preset.source_label
            self.fields["source"].help_text = _("Never a name: that can be given to another.")
        if preset.event:
            self.fields["events"].required = bool(preset.events)
        self.fields["keys_url"].required = not preset.keys
        self.fields["claims"].required = not preset.source

    def _fill(self, preset: Preset, trust: Trust | None) -> None:
        if trust is None:
            usual = {"issuer": preset.issuer, "events": list(preset.events), "name": preset.title}
            self.initial = {**usual, "refs": ["refs/heads/main"], **self.initial}
            return
        self.initial = {name: getattr(trust, name) for name in self.fields}
        self.initial["environments"] = trust.environments.all()

    @property
    def main_fields(self) -> list[forms.BoundField]:
        """What everybody fills in."""
        return [field for field in self.visible_fields() if field.name not in self._aside]

    @property
    def aside_fields(self) -> list[forms.BoundField]:
        """What few need to touch, below a heading of its own."""
        return [field for field in self.visible_fields() if field.name in self._aside]

    @property
    def aside_open(self) -> bool:
        """Whether one of those is wrong."""
        return any(field.errors for field in self.aside_fields)

    def clean(self) -> dict[str, Any]:
        """What the services take; who may not say `private` leaves it as it was."""
        return {"private": self._private, **self.cleaned_data}


class TryForm(forms.Form):
    """A token to test; it is never sent back to the browser."""

    token = forms.CharField(
        label=_("Workload token"),
        max_length=MOST_TOKEN,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False),
        help_text=_(
            "Paste one that a job printed for you; it is neither kept nor used up. Until it ends, "
            "whoever has it can ask as that run: better take one whose time is over."
        ),
    )
