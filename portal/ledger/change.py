"""What a change entry says: the fields that moved, before and after."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import models

from portal.kernel.canonical import JSON, sha256_digest
from portal.kernel.clock import rfc3339


def _plain(value: Any) -> JSON:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, models.Model):
        return str(getattr(value, "actor_ref", value.pk))
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)


def state_of(row: models.Model, names: Iterable[str]) -> dict[str, JSON]:
    """The named fields of `row`, ready for the ledger.

    People appear by their reference, long free text by its digest (LEDGER: personal data).
    """
    state: dict[str, JSON] = {}
    for name in sorted(names):
        value = getattr(row, name)
        if isinstance(row._meta.get_field(name), models.TextField):
            state[name] = sha256_digest(value.encode()) if value else ""
        else:
            state[name] = _plain(value)
    return state


def change(before: Mapping[str, JSON], after: Mapping[str, JSON]) -> dict[str, JSON]:
    """The `change` part of an entry."""
    return {"before": dict(before), "after": dict(after)}
