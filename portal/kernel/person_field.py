"""A form field in which a person is named by sign-in name."""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

MOST_SUGGESTED = 200


def suggestions() -> list[Any]:
    """People to offer while typing: active ones by name, a bounded number."""
    return list(get_user_model()._default_manager.filter(is_active=True)[:MOST_SUGGESTED])


class PersonField(forms.CharField):
    """Cleans to the active person who signs in with the name typed; None where none was needed."""

    default_error_messages = {
        "unknown": _("Nobody active signs in with this name."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=150,
            widget=forms.TextInput(
                attrs={"list": "people", "autocomplete": "off", "spellcheck": "false"}
            ),
            **kwargs,
        )

    def prepare_value(self, value: Any) -> Any:
        return value.get_username() if hasattr(value, "get_username") else value

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        if not typed:
            return None
        people = get_user_model()._default_manager
        found = people.filter(username=typed, is_active=True).first()
        if found is None:
            raise ValidationError(self.error_messages["unknown"], code="unknown")
        return found
