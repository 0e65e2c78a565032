"""What every view of this app shares: the typed request, addresses with filters, fragments."""

import re
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from approvals.queries import QueueFilters
from approvals.queries.queue import Choices
from portal.accounts.models import User
from portal.kernel.canonical import sha256_digest

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class PersonRequest(HttpRequest):
    """A page's request: signed in (LoginRequiredMiddleware), maybe by htmx."""

    htmx: HtmxDetails
    user: User


@dataclass(frozen=True)
class FilterField:
    """One select of a filter form; `choices` are (value, word). Without any it asks for a day."""

    name: str
    label: str
    value: str
    choices: list[tuple[str, str]] | None


def place_fields(filters: QueueFilters, choices: Choices) -> list[FilterField]:
    """The selects of every list: where and what."""
    return [
        field("project", _("Project"), filters.project, choices.projects),
        field("environment", _("Environment"), filters.environment, choices.environments),
        field("action", _("Action"), filters.action, choices.actions),
    ]


def field(name: str, label: str, value: str, values: list[str]) -> FilterField:
    """A select whose choices are their own words; the current value is always among them."""
    return FilterField(name, label, value, [(one, one) for one in sorted({*values, value} - {""})])


def snapshot_digest(value: str) -> str:
    """A digest as forms and addresses carry it; empty for anything else."""
    return value if DIGEST.fullmatch(value) else ""


def session_digest(request: HttpRequest) -> str:
    """A digest that stands for this browser's session: its key is a secret and is stored nowhere
    else. Empty without a session."""
    key = request.session.session_key
    return sha256_digest(key.encode()) if key else ""


def address(path: str, filters: QueueFilters, **changes: Any) -> str:
    """`path` with the filters as a query string, so that a view can be sent to a colleague."""
    wanted = asdict(replace(filters, **changes))
    wanted = {name: value for name, value in wanted.items() if value}
    if wanted.get("tab") == "you":
        del wanted["tab"]
    return f"{path}?{urlencode(wanted)}" if wanted else path
