"""Forms of directories."""

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.directory.models import ApproverGroup
from portal.kernel.person_field import PersonField
from portal.scim.models import Directory


class DirectoryForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new directory."""

    class Meta:
        model = Directory
        fields = ("name",)


class GivePersonForm(forms.Form):
    """Whom to hand to a directory."""

    person = PersonField(label=_("Sign-in name"))


class GiveGroupForm(forms.Form):
    """Which group to hand to a directory: one that none keeps yet."""

    group = forms.ModelChoiceField(
        label=_("Approver group"),
        queryset=ApproverGroup.objects.filter(kept=None).order_by("name"),
        to_field_name="name",
    )
    display_name = forms.CharField(
        label=_("Name in the directory"),
        max_length=200,
        required=False,
        help_text=_("What the group is called over there, where that is not its name here."),
    )
