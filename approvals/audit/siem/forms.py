"""The forms of a stream, and of the position from which it sends again."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from approvals.audit.siem.queries import position_at
from approvals.models import SiemStream
from portal.directory.models import Project

_ASIDE = ("private", "authorization", "authority")


class StreamForm(forms.Form):
    """What every stream has. What is cleaned goes to the services as it is."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("For people to know it by.")
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=SiemStream.Kind.choices)
    project = forms.ModelChoiceField(
        label=_("Project"),
        queryset=Project.objects.order_by("slug"),
        required=False,
        empty_label=_("Everything, also what belongs to no project"),
    )
    address = forms.CharField(
        label=_("Address"),
        max_length=1000,
        help_text=_("https://… for a webhook; HOST:PORT for syslog, the port is usually 6514."),
    )
    from_start = forms.BooleanField(
        label=_("Send everything from the beginning of the log"),
        required=False,
        help_text=_("Otherwise it begins with what is sealed next."),
    )
    private = forms.BooleanField(
        label=_("It stands inside this network"),
        required=False,
        help_text=_(
            "Lets the portal reach addresses inside its own network, and speak http there."
        ),
    )
    authorization = forms.CharField(
        label=_("Authorization"),
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False),
        help_text=_("Of a webhook: the whole value of the header, for example “Bearer …”."),
    )
    authority = forms.CharField(
        label=_("Certificates of its authority"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=_("In PEM. Empty: those that the portal's system trusts."),
    )

    def __init__(self, *args: Any, stream: SiemStream | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if stream is None:
            return
        for name in ("kind", "project", "from_start"):
            del self.fields[name]
        for name in ("name", "address", "private", "authority"):
            self.initial.setdefault(name, getattr(stream, name))
        if stream.kind == SiemStream.Kind.CEF:
            del self.fields["authorization"]
        elif stream.authorization:
            kept = _("One is set. Leave it empty to keep what is there.")
            self.fields["authorization"].help_text = kept

    @property
    def main_fields(self) -> list[forms.BoundField]:
        """What everybody fills in."""
        return [field for field in self.visible_fields() if field.name not in _ASIDE]

    @property
    def aside_fields(self) -> list[forms.BoundField]:
        """What few need to touch, below a heading of its own."""
        return [field for field in self.visible_fields() if field.name in _ASIDE]

    @property
    def aside_open(self) -> bool:
        """Whether one of those says something, or is wrong."""
        return any(field.errors or field.value() for field in self.aside_fields)


class ReplayForm(forms.Form):
    """Either a position or a time; cleaned to a position."""

    position = forms.IntegerField(
        label=_("Index of the entry in the log"), required=False, min_value=0
    )
    since = forms.DateTimeField(
        label=_("Or a day and time"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"],
        help_text=_("In your time zone. A few entries from shortly before may come as well."),
    )

    def clean(self) -> dict[str, Any]:
        """The position alone."""
        position, since = (self.cleaned_data.get(name) for name in ("position", "since"))
        if (position is None) == (since is None) and not self.errors:
            raise forms.ValidationError(_("Fill in one of the two."))
        return {"position": position_at(since) if since else position}
