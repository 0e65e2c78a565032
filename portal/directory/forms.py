"""Forms of projects, environments, approver groups and roles."""

from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from portal.access import ROLES
from portal.directory.models import ApproverGroup, Environment, Project
from portal.directory.projects import SOURCE
from portal.kernel.clock import now
from portal.kernel.person_field import PersonField

_DESCRIPTION = {"description": forms.Textarea(attrs={"rows": 3})}


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, tzinfo=UTC)


class ProjectForm(forms.ModelForm):  # type: ignore[type-arg]
    """Everything of a new project."""

    class Meta:
        model = Project
        fields = ("slug", "name", "description", "repository", "branch", "forge_id")
        widgets = _DESCRIPTION


class ProjectChangeForm(forms.ModelForm):  # type: ignore[type-arg]
    """What may change later: all but the short name, which policies match on."""

    class Meta:
        model = Project
        fields = ("name", "description", "repository", "branch", "forge_id")
        widgets = _DESCRIPTION

    def __init__(self, *args: Any, administers: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in () if administers else SOURCE:
            self.fields[name].disabled = True
            self.fields[name].help_text = _(
                "Only an administrator can change it: it decides what git facts say."
            )


class EnvironmentForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new environment; the project is part of the address."""

    class Meta:
        model = Environment
        fields = ("name", "tier", "description")
        widgets = _DESCRIPTION
        help_texts = {
            "name": _("What pipelines send, for example “production”. It cannot be changed."),
            "tier": _("Policies may read it. Only an administrator can change it later."),
        }


class EnvironmentChangeForm(forms.ModelForm):  # type: ignore[type-arg]
    """What may change later."""

    class Meta:
        model = Environment
        fields = ("tier", "description")
        widgets = _DESCRIPTION
        help_texts = {"tier": _("Only an administrator can change it: policies may read it.")}


class GroupForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new approver group."""

    class Meta:
        model = ApproverGroup
        fields = ("name", "description", "minimum")
        widgets = _DESCRIPTION


class GroupChangeForm(forms.ModelForm):  # type: ignore[type-arg]
    """What may change later: the name stays, policies use it."""

    class Meta:
        model = ApproverGroup
        fields = ("description", "minimum")
        widgets = _DESCRIPTION


class MemberForm(forms.Form):
    """Whom to add to a group."""

    person = PersonField(label=_("Sign-in name"))


class _MemberChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the people, by name and sign-in name."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj} ({obj.get_username()})"


def _moment(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, widget=widget)


class DelegationForm(forms.Form):
    """Who may decide on whose behalf, and from when until when (in the reader's time zone)."""

    delegator = _MemberChoice(label=_("On behalf of"), queryset=None)
    delegate = PersonField(label=_("Delegate: sign-in name"))
    starts_at = _moment(_("From"))
    ends_at = _moment(_("Until"))
    reason = forms.CharField(
        label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, group: ApproverGroup, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = group.members.filter(is_active=True).order_by("name")
        self.fields["delegator"].queryset = members  # type: ignore[attr-defined]


class ReviewForm(forms.Form):
    """What to look through, and until when."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("For example “Fourth quarter of 2026”.")
    )
    due_at = forms.DateField(
        label=_("Last day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("What is not answered when this day is over (UTC) is shown as overdue."),
    )
    project = forms.ModelChoiceField(
        label=_("Project"),
        queryset=Project.objects.filter(archived_at=None),
        required=False,
        empty_label=_("No project: every role and membership"),
        help_text=_("Roles on one project and its environments alone."),
    )
    group = forms.ModelChoiceField(
        label=_("Approver group"),
        queryset=ApproverGroup.objects.all(),
        required=False,
        empty_label=_("No group in particular"),
        help_text=_("Members and managers of one group alone."),
    )

    def clean_due_at(self) -> datetime:
        """The end of the chosen day."""
        return _end_of(self.cleaned_data["due_at"])


class RoleForm(forms.Form):
    """Whom to give which role, for how long and why; only roles that exist for this kind of object
    are offered."""

    to = PersonField(label=_("Sign-in name"))
    role = forms.ChoiceField(label=_("Role"))
    until = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("The role ends by itself when this day is over (UTC). Empty: it has no end."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        help_text=_("Why they need it. Whoever reviews roles later reads this."),
    )

    def __init__(self, *args: Any, target: Model, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [  # type: ignore[attr-defined]
            (role.name, role.title)
            for role in ROLES.values()
            if target._meta.model_name in role.scopes
        ]
        self.fields["until"].widget.attrs["min"] = now().date().isoformat()

    def clean_until(self) -> datetime | None:
        """The end of the chosen day."""
        day = self.cleaned_data["until"]
        return _end_of(day) if day else None
