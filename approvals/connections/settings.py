"""Checking what people fill in for a connection against the fields of its source."""

from collections.abc import Mapping
from typing import Any

from approvals.context.connected import BadSetting, ConnectedSource, Field
from portal.kernel.errors import Invalid
from portal.kernel.outgoing import NoAddress, parse_address
from portal.kernel.text import text_problem
from portal.kernel.validation import invalid

MOST_TEXT = 8_000
MOST_SECRET = 16_000


def checked_settings(
    source: ConnectedSource, given: Mapping[str, Any], *, private: bool
) -> dict[str, Any]:
    """The settings of a connection, each of its kind. Raises Invalid naming the field.

    `private`: an address may begin with http://.
    """
    fields = [field for field in source.fields if field.kind != "secret"]
    foreign = set(given) - {field.name for field in fields}
    if foreign:
        raise Invalid(f"{source.title} has no setting “{min(foreign)}”.")
    settings = {}
    try:
        for field in fields:
            settings[field.name] = _checked(field, given.get(field.name, field.default))
            if field.kind == "url":
                _check_address(field, settings[field.name], private)
        source.clean(settings)
    except BadSetting as bad:
        raise invalid(bad.field, bad.sentence) from bad
    return settings


def checked_secrets(source: ConnectedSource, given: Mapping[str, str]) -> dict[str, str]:
    """The secrets that were filled in; an empty one was not. Raises Invalid naming the field."""
    fields = {field.name: field for field in source.fields if field.kind == "secret"}
    foreign = set(given) - set(fields)
    if foreign:
        raise Invalid(f"{source.title} has no secret “{min(foreign)}”.")
    for name, text in given.items():
        problem = text_problem(text, multiline=fields[name].multiline)
        if problem:
            raise invalid(name, f"This text {problem}.")
        if len(text) > MOST_SECRET:
            raise invalid(name, f"Use at most {MOST_SECRET} characters.")
    return {name: text for name, text in given.items() if text}


def require_secrets(source: ConnectedSource, there: Mapping[str, str]) -> None:
    """Raise Invalid, naming the field, for a required secret that nobody filled in."""
    for field in source.fields:
        if field.kind == "secret" and field.required and field.name not in there:
            raise invalid(field.name, "This field is required.")


def _checked(field: Field, value: Any) -> Any:
    if field.kind == "json":
        return value
    if field.kind == "number":
        return _number(field, value)
    text = value if isinstance(value, str) else ""
    text = text.strip()
    if field.required and not text:
        raise BadSetting(field.name, "This field is required.")
    problem = text_problem(text, multiline=field.kind == "lines")
    if problem:
        raise BadSetting(field.name, f"This text {problem}.")
    if len(text) > MOST_TEXT:
        raise BadSetting(field.name, f"Use at most {MOST_TEXT} characters.")
    if field.kind == "choice" and text and text not in {value for value, _ in field.choices}:
        raise BadSetting(field.name, "Choose one of the list.")
    return text


def _number(field: Field, value: Any) -> float | int | None:
    if value is None or value == "":
        if field.required:
            raise BadSetting(field.name, "This field is required.")
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadSetting(field.name, "Enter a number.")
    return value


def _check_address(field: Field, url: str, private: bool) -> None:
    if not url:
        return
    try:
        address = parse_address(url)
    except NoAddress as problem:
        raise BadSetting(field.name, str(problem)) from None
    if not (address.secure or private):
        raise BadSetting(
            field.name,
            "The address must begin with https://; http:// is only for systems inside this network "
            "that an administrator allowed.",
        )
