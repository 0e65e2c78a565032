"""Forms of the calendar. Times are what the clock shows in the time zone of the form."""

from datetime import datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from policies.freezes.calendar import Series, exists, moment_of, wall_of, zone_names
from policies.freezes.ical import MAX_BYTES
from policies.freezes.models import FreezeWindow, Kind
from policies.freezes.rules import MAX_TEXT, WEEKDAYS
from policies.freezes.scope import Scope

WALL = "%Y-%m-%dT%H:%M"
CUSTOM = "custom"
REPEATS = [
    ("", _("Never")),
    ("FREQ=DAILY", _("Every day")),
    ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", _("Monday to Friday")),
    ("weekly", _("Every week, on the weekday it begins")),
    ("FREQ=MONTHLY", _("Every month, on the day it begins")),
    ("FREQ=YEARLY", _("Every year, on the date it begins")),
    (CUSTOM, _("By the rule below")),
]
_ORGANISATION = _("The whole organisation")


def zones() -> list[tuple[str, str]]:
    """All time zones, by name."""
    return [(name, name) for name in sorted(zone_names())]


class WallTimeField(forms.Field):
    """A date and time without a time zone."""

    default_error_messages = {"invalid": _("Write it like 2026-12-24T18:00.")}

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=WALL)
        super().__init__(widget=widget, **kwargs)

    def to_python(self, value: Any) -> datetime | None:
        if not value:
            return None
        try:
            return datetime.strptime(str(value)[:16].replace(" ", "T"), WALL)
        except ValueError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class ScopeField(forms.ChoiceField):
    """One of the scopes the person may change; cleans to the Scope."""

    def offer(self, scopes: list[Scope]) -> None:
        """Offer these, grouped by project."""
        self._by_key = {scope.key: scope for scope in scopes}
        groups: dict[str, list[tuple[str, str]]] = {}
        choices: list[Any] = []
        for scope in scopes:
            if scope.project is None:
                choices.append((scope.key, _ORGANISATION))
            else:
                where = scope.environment.name if scope.environment else _now("all environments")
                groups.setdefault(scope.project.slug, []).append(
                    (scope.key, f"{scope.project.slug} · {where}")
                )
        self.choices = [*choices, *groups.items()]

    def clean(self, value: Any) -> Any:
        return self._by_key[super().clean(value)]


class _InScope(forms.Form):
    """A form that begins with where something reaches."""

    scope = ScopeField(label=_("Where"))

    def __init__(self, *args: Any, scopes: list[Scope], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["scope"]
        assert isinstance(field, ScopeField)  # noqa: S101  (for mypy)
        field.offer(scopes)


class _When(forms.Form):
    """When a window is; cleans to `series`."""

    reason = forms.CharField(
        label=_("Reason"), max_length=200, help_text=_("People see it on every request it holds.")
    )
    zone = forms.ChoiceField(label=_("Time zone"), choices=zones)
    starts = WallTimeField(label=_("Begins"))
    ends = WallTimeField(label=_("Ends"), help_text=_("Of the first time, when it repeats."))
    repeats = forms.ChoiceField(label=_("Repeats"), choices=REPEATS, required=False)
    rule = forms.CharField(
        label=_("Rule"),
        max_length=MAX_TEXT,
        required=False,
        help_text=_("As iCalendar writes it, for example FREQ=MONTHLY;BYDAY=-1FR."),
    )
    last_day = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("No more repetitions begin after it."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("starts", "ends"):
            if name in cleaned and "zone" in cleaned and not exists(cleaned[name], cleaned["zone"]):
                text = _now("The clocks change then: %(zone)s has no such time. Choose another.")
                self.add_error(name, text % {"zone": cleaned["zone"]})
        if cleaned.get("repeats") == CUSTOM and not cleaned.get("rule"):
            self.add_error("rule", _now("Write the rule, or choose how it repeats."))
        if self.errors:
            return cleaned
        when = {"starts", "ends", "zone", "repeats", "rule", "last_day"}
        rest = {name: value for name, value in cleaned.items() if name not in when}
        return {**rest, "series": self._series(cleaned)}

    def _series(self, cleaned: dict[str, Any]) -> Series:
        zone = cleaned["zone"]
        starts, ends = moment_of(cleaned["starts"], zone), moment_of(cleaned["ends"], zone)
        return Series(starts, ends, zone, _rule(cleaned))


def _rule(cleaned: dict[str, Any]) -> str:
    """The rule in iCalendar's words, with the last day as its UNTIL."""
    rule: str = cleaned["rule"] if cleaned["repeats"] == CUSTOM else cleaned["repeats"]
    if rule == "weekly":
        rule = f"FREQ=WEEKLY;BYDAY={WEEKDAYS[cleaned['starts'].weekday()]}"
    if rule and cleaned["last_day"]:
        end = moment_of(datetime.combine(cleaned["last_day"], time(23, 59, 59)), cleaned["zone"])
        rule += f";UNTIL={end:%Y%m%dT%H%M%SZ}"
    return rule


def initial_of(window: FreezeWindow) -> dict[str, Any]:
    """What the form shows of a window."""
    preset = window.rule if window.rule in dict(REPEATS) else CUSTOM
    return {
        "reason": window.reason,
        "zone": window.zone,
        "starts": wall_of(window.starts_at, window.zone),
        "ends": wall_of(window.ends_at, window.zone),
        "repeats": preset,
        "rule": window.rule if preset == CUSTOM else "",
    }


class WindowForm(_InScope, _When):
    """A new window."""

    kind = forms.ChoiceField(label=_("Kind"), choices=Kind)
    field_order = ("kind", "scope", "reason", "zone")


class WindowChangeForm(_When):
    """What may change later: when and why."""


class ExceptionForm(_InScope):
    """A new exception; only administrators may lift what reaches the whole organisation."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("For example the number of the incident.")
    )
    reason = forms.CharField(
        label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )
    action = forms.CharField(
        label=_("Only for the action"),
        max_length=100,
        required=False,
        help_text=_("For example deploy. Empty: every action."),
    )
    zone = forms.ChoiceField(label=_("Time zone"), choices=zones)
    until = WallTimeField(label=_("Until"))
    lifts_organisation = forms.BooleanField(
        label=_("Also from freezes of the whole organisation"), required=False
    )

    def __init__(self, *args: Any, administers: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not administers:
            field = self.fields["lifts_organisation"]
            field.disabled = True
            field.help_text = _("Only an administrator can.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        zone = cleaned.pop("zone", None)
        if zone and cleaned.get("until"):
            cleaned["until"] = moment_of(cleaned["until"], zone)
        return cleaned


class UploadForm(_InScope):
    """A file to import."""

    kind = forms.ChoiceField(label=_("Its events are"), choices=Kind)
    zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=zones,
        help_text=_("For events that name none, and for whole days."),
    )
    file = forms.FileField(
        label=_("iCalendar file"),
        widget=forms.ClearableFileInput(attrs={"accept": ".ics,text/calendar"}),
        help_text=_("At most 256 KiB and 500 events. You see what it holds before it counts."),
    )

    def clean_file(self) -> bytes:
        """Its bytes; one too many when it is too large, so that it is refused as such."""
        upload = self.cleaned_data["file"]
        return bytes(upload.read(MAX_BYTES + 1))


class ConfirmUploadForm(_InScope):
    """The same again, with the text of the file: nothing is stored before it is confirmed."""

    kind = forms.ChoiceField(choices=Kind, widget=forms.HiddenInput)
    zone = forms.ChoiceField(choices=zones, widget=forms.HiddenInput)
    text = forms.CharField(max_length=MAX_BYTES, strip=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scope"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "text" in cleaned:
            # Browsers send CRLF, whatever the file had: it must not grow on its way.
            cleaned["data"] = cleaned.pop("text").replace("\r\n", "\n").encode()
        return cleaned


class CalendarForm(_InScope):
    """A calendar to import by its address."""

    name = forms.CharField(label=_("Name"), max_length=100)
    url = forms.CharField(
        label=_("Address"),
        max_length=1000,
        help_text=_("https://… of an iCalendar file. Who knows it can often read the calendar, so "
                    "it is shown to nobody again."),
    )  # fmt: skip
    kind = forms.ChoiceField(label=_("Its events are"), choices=Kind)
    zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=zones,
        help_text=_("For events that name none, and for whole days."),
    )


class FeedForm(forms.Form):
    """A new secret address."""

    name = forms.CharField(
        label=_("Where you will use it"), max_length=100, help_text=_("For example “my phone”.")
    )
