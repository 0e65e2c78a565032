"""Checks a model's row before it is written, so that every surface gets the same refusal."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction

from portal.kernel.errors import Conflict, Invalid
from portal.kernel.text import text_problem


def invalid(field: str, message: str) -> Invalid:
    """An Invalid about one field; its sentence is the message itself."""
    return Invalid(message, errors=[{"field": field, "message": message}])


def _text_errors(row: models.Model, names: set[str] | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for field in row._meta.fields:
        if not isinstance(field, models.CharField | models.TextField):
            continue
        value = getattr(row, field.attname)
        if (names is not None and field.name not in names) or not isinstance(value, str):
            continue
        problem = text_problem(value, multiline=isinstance(field, models.TextField))
        if problem:
            found[field.name] = [f"This text {problem}."]
        elif field.max_length is not None and len(value) > field.max_length:
            # Django checks the length of a TextField in forms only.
            found[field.name] = [f"Use at most {field.max_length} characters."]
    return found


def check_row(row: models.Model, fields: Iterable[str] | None = None) -> None:
    """Raise Invalid, with one error for each field, unless `row` may be written.

    `fields` limits the check to what is about to change.
    """
    names = set(fields) if fields is not None else None
    found = _text_errors(row, names)
    exclude = set(found)
    if names is not None:
        exclude |= {field.name for field in row._meta.fields} - names
    try:
        row.full_clean(exclude=exclude)
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            found["" if name == NON_FIELD_ERRORS else name] = messages
    if found:
        errors = [{"field": n, "message": m} for n, messages in found.items() for m in messages]
        raise Invalid(errors[0]["message"], errors=errors)


def insert_row(row: models.Model) -> None:
    """Check and insert. Raises Invalid; Conflict when somebody inserted the same meanwhile."""
    check_row(row)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        what = row._meta.verbose_name
        raise Conflict(f"This {what} was just added by somebody else.", code="exists") from error


def changed_fields(row: models.Model, wanted: dict[str, Any]) -> dict[str, Any]:
    """The part of `wanted` that differs from what `row` holds."""
    return {name: value for name, value in wanted.items() if getattr(row, name) != value}
