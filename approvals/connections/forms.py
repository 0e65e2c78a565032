"""The form of a connection: what every one has, then the fields of its source."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from approvals.context.connected import ConnectedSource, Field
from approvals.models import Connection
from portal.directory.models import Environment, Project

_ROWS = {"rows": 8, "spellcheck": "false"}


class ConnectionForm(forms.Form):
    """Made for one source. What is cleaned goes to the services as it is.

    Without a project there is no environment; `private` is for administrators. A secret that is
    there already may stay empty.
    """

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("For people to know it by.")
    )
    environment = forms.ModelChoiceField(
        label=_("Environment"),
        queryset=Environment.objects.none(),
        required=False,
        empty_label=_("Every environment of the project"),
    )
    private = forms.BooleanField(
        label=_("It stands inside this network"),
        required=False,
        help_text=_("Lets the portal ask addresses inside its own network, and speak http there."),
    )

    def __init__(
        self,
        *args: Any,
        source: ConnectedSource,
        project: Project | None,
        administers: bool,
        connection: Connection | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._source = source
        self._connection = connection
        self._aside = {"private", *(field.name for field in source.fields if field.aside)}
        self._set_up_common(project, administers)
        there = connection.secrets if connection else {}
        for field in source.fields:
            self.fields[field.name] = _form_field(field, there=field.name in there)
            if field.kind != "secret":
                old = connection.settings if connection else {}
                self.initial.setdefault(field.name, old.get(field.name, field.default))

    def _set_up_common(self, project: Project | None, administers: bool) -> None:
        if self._connection:
            for name in ("name", "environment", "private"):
                self.initial.setdefault(name, getattr(self._connection, name))
        environment = self.fields["environment"]
        if project is None:
            del self.fields["environment"]
        elif isinstance(environment, forms.ModelChoiceField):
            environment.queryset = project.environments.filter(archived_at=None)
        if not administers:
            del self.fields["private"]

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
        """Whether one of those says something, or is wrong."""
        usual = {field.name: field.default for field in self._source.fields}
        return any(
            field.errors or (field.value() or "") != (usual.get(field.name) or "")
            for field in self.aside_fields
        )

    def clean(self) -> dict[str, Any]:
        """What the services take: settings and secrets apart from the rest."""
        found = dict(self.cleaned_data)
        secrets = {field.name for field in self._source.fields if field.kind == "secret"}
        settings = {field.name for field in self._source.fields} - secrets
        kept = self._connection.private if self._connection else False
        return {
            "name": found.get("name", ""),
            "environment": found.get("environment"),
            "private": found.get("private", kept),
            "settings": {name: _unix(found.get(name)) for name in settings},
            "secrets": {name: _unix(found[name]) for name in secrets if found.get(name)},
        }


def _unix(value: Any) -> Any:
    """Browsers send CRLF."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def _form_field(field: Field, *, there: bool) -> forms.Field:
    common: dict[str, Any] = {"label": field.label, "help_text": field.help}
    required = field.required
    if field.kind == "secret":
        if there:
            kept = _("Leave it empty to keep what is there.")
            common["help_text"] = f"{field.help} {kept}".strip()
        return forms.CharField(required=required and not there, widget=_secret(field), **common)
    if field.kind == "choice":
        choices = list(field.choices) if required else [("", "–"), *field.choices]
        return forms.ChoiceField(required=required, choices=choices, **common)
    if field.kind == "number":
        return forms.FloatField(required=required, **common)
    if field.kind == "json":
        widget = forms.Textarea(attrs=_ROWS)
        return forms.JSONField(required=required, widget=widget, **common)
    if field.kind == "lines":
        return forms.CharField(required=required, widget=forms.Textarea(attrs=_ROWS), **common)
    return forms.CharField(required=required, **common)


def _secret(field: Field) -> forms.Widget:
    """What is typed is never sent back to the browser."""
    if field.multiline:
        return _WriteOnlyText(attrs=_ROWS)
    return forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False)


class _WriteOnlyText(forms.Textarea):
    """A text area that comes back empty."""

    def format_value(self, value: Any) -> str:
        return ""
