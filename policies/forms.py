"""The form in which a policy document is written."""

from django import forms
from django.utils.translation import gettext_lazy as _

from policies.publishing import MAX_TEXT

EXAMPLE = """\
policy: my-service
facts: v1
match: {projects: [my-service], environments: ["*"], actions: [deploy]}
define:
  prod: request.environment == 'production'
rules:
  - id: staging
    when: "!prod"
    approve: auto
default: {require: {count: 1, from: [team-leads]}}
decide_within: 4h
valid_for: 1h
"""


class DocumentForm(forms.Form):
    """A document and a note on what it changes."""

    text = forms.CharField(
        label=_("Document"),
        strip=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(
            attrs={
                "rows": 28,
                "spellcheck": "false",
                "autocapitalize": "off",
                "autocomplete": "off",
                "wrap": "off",
            }
        ),
    )
    note = forms.CharField(
        label=_("What changes and why"),
        max_length=500,
        required=False,
        help_text=_("For the person who publishes it."),
    )

    def clean_text(self) -> str:
        """With LF line ends and one at the end, as files have them."""
        text: str = self.cleaned_data["text"].replace("\r\n", "\n")
        return text if text.endswith("\n") else text + "\n"
