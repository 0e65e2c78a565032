"""The form of a source."""

from django import forms

from policies.sources.models import PolicySource


class SourceForm(forms.ModelForm):  # type: ignore[type-arg]
    """Which folder of which branch of which repository."""

    class Meta:
        model = PolicySource
        fields = ("repository", "branch", "folder")

    def validate_constraints(self) -> None:
        """Left to the service, which says it in words."""
