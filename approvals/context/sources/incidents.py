"""Incidents that are open, or who is on call, of any system that answers with a list in JSON."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from approvals.context.connected import BadSetting, ConnectedSource, Field, HasSettings
from approvals.context.fetch import Fetch
from approvals.context.incident_forms import FORMS, Form, check_form, form_of
from approvals.context.pointer import Missing, parse_pointer, value_at
from approvals.context.severity import worst_of
from approvals.context.source import Question, SourceFailed
from policies.language.facts import Unknown
from portal.kernel.clock import now

MOST_PAGES = 10
MOST_TITLE = 300
_AS_IT_HAS = "Empty: as the chosen system has it."
_NO_TITLE = Unknown("an open incident has no title at that place", "absent")
_NO_BEGIN = Unknown("an open incident does not say when it began", "absent")
_NO_ADDRESS = Unknown("somebody on call has no e-mail address at that place", "absent")


class IncidentsSource(ConnectedSource):
    """Reads one list, over all its pages. Either incidents, or people on call."""

    name = "incidents"
    title = "Incidents and on-call duty"
    help = "PagerDuty, Opsgenie, or any system with a list of open incidents or of people on call."
    gives = ("incident", "oncall")
    time_to_live = timedelta(seconds=60)
    fields = (
        Field(
            "system",
            "System",
            "choice",
            choices=tuple((name, form.label) for name, form in FORMS.items()),
        ),
        Field(
            "url",
            "Address",
            "url",
            "https://api.pagerduty.com/incidents, https://api.pagerduty.com/oncalls, "
            "https://api.opsgenie.com/v2/alerts, "
            "https://api.opsgenie.com/v2/schedules/…/on-calls, or another. It may end in a query "
            "that narrows, as in ?service_ids[]=P123.",
        ),
        Field(
            "secret",
            "API key",
            "secret",
            "It needs to read, nothing more. Of another system: the whole value of the header.",
            required=False,
        ),
        Field(
            "header",
            "Header of the key",
            default="Authorization",
            aside=True,
        ),
        Field("elements", "Place of the list", help=_AS_IT_HAS, required=False, aside=True),
        Field(
            "text",
            "Place of the title, or of the e-mail address",
            help=f"In each element, like the next ones. {_AS_IT_HAS}",
            required=False,
            aside=True,
        ),
        Field(
            "severity",
            "Place of the severity",
            help=_AS_IT_HAS,
            required=False,
            aside=True,
        ),
        Field(
            "order", "Severities", help=f"The worst first. {_AS_IT_HAS}", required=False, aside=True
        ),
        Field(
            "began",
            "Place of the beginning",
            help=_AS_IT_HAS,
            required=False,
            aside=True,
        ),
        Field("status", "Place of the status", help=_AS_IT_HAS, required=False, aside=True),
        Field(
            "closed",
            "Statuses that are over",
            help=f"With commas; every other status is open. {_AS_IT_HAS}",
            required=False,
            aside=True,
        ),
        Field(
            "next",
            "Place of the next page's address",
            help=f"In the answer. {_AS_IT_HAS}",
            required=False,
            aside=True,
        ),
    )

    def names(self, connection: HasSettings) -> frozenset[str]:
        form = form_of(connection.settings)
        if form.on_call:
            return frozenset({"oncall.now"})
        found = {"incident.open", "incident.count"}
        if form.severity:
            found.add("incident.worst")
        if form.began:
            found.add("incident.oldest_age_s")
        return frozenset(found)

    def clean(self, settings: Mapping[str, Any]) -> None:
        if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", settings["header"]):
            raise BadSetting("header", "This is no name of a header.")
        check_form(form_of(settings))

    def check(self, fetch: Fetch) -> str:
        form = form_of(fetch.settings)
        facts = _facts(fetch, form, now())
        unknown = [value.reason for value in facts.values() if isinstance(value, Unknown)]
        if unknown:
            raise SourceFailed("; ".join(unknown))
        if form.on_call:
            return f"It answers. People on call now: {len(facts['oncall.now'])}."
        return f"It answers. Open incidents: {facts['incident.count']}."

    def read(self, question: Question, fetch: Fetch) -> Mapping[str, object | None]:
        return _facts(fetch, form_of(fetch.settings), question.now)


def _facts(fetch: Fetch, form: Form, at: datetime) -> dict[str, Any]:
    elements = _elements(fetch, form)
    if form.on_call:
        people = [_text(element, form) for element in elements]
        return {"oncall.now": sorted(set(people)) if all(people) else _NO_ADDRESS}
    open_now = [one for one in elements if _word(one, form.status).lower() not in form.over]
    titles = [_text(one, form) for one in open_now]
    facts: dict[str, Any] = {
        "incident.open": sorted(titles) if all(titles) else _NO_TITLE,
        "incident.count": len(open_now),
    }
    if form.severity:
        severities = [_word(one, form.severity) for one in open_now]
        facts["incident.worst"] = worst_of(severities, form.severities)
    if form.began:
        facts["incident.oldest_age_s"] = _oldest(open_now, form, at)
    return facts


def _elements(fetch: Fetch, form: Form) -> list[Any]:
    """What the list has on all its pages. Raises SourceFailed where they are too many."""
    url = fetch.settings["url"]
    headers = {"Accept": form.accept}
    if "secret" in fetch.secrets:
        headers[fetch.settings["header"]] = f"{form.before}{fetch.secrets['secret']}"
    said = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    query = tuple(pair for pair in form.query if pair[0] not in said)
    address, params = url, query
    found: list[Any] = []
    for _ in range(MOST_PAGES):
        answer = fetch.json(address, params=params, headers=headers)
        found += _list(answer, form)
        onward = _onward(answer, form)
        if not onward:
            return found
        if form.by_offset:
            params = (*query, ("offset", str(len(found))))
        else:
            address, params = urljoin(address, onward), ()
    raise SourceFailed(f"its list has more than {MOST_PAGES} pages; narrow the address")


def _onward(answer: Any, form: Form) -> str:
    """The address of the next page, or some text where only the offset changes; else empty."""
    more = _at(answer, form.next) if form.next else ""
    if form.by_offset and isinstance(more, bool):
        return "more" if more else ""
    if not form.by_offset and (more is None or isinstance(more, str)):
        return more or ""
    raise SourceFailed("its answer does not say whether it goes on")


def _list(answer: Any, form: Form) -> list[Any]:
    found = _at(answer, form.elements)
    if not isinstance(found, list):
        raise SourceFailed(f"its answer has no list at “{form.elements or '/'}”")
    return found


def _at(document: Any, place: str) -> Any:
    """What stands there; None where nothing does."""
    try:
        return value_at(document, parse_pointer(place))
    except Missing:
        return None


def _text(element: Any, form: Form) -> str:
    """The title or address; empty where there is none. A long one is cut, people read it."""
    found = _at(element, form.text)
    if not isinstance(found, str):
        return ""
    return found if len(found) <= MOST_TITLE else f"{found[:MOST_TITLE]}…"


def _word(element: Any, place: str) -> str:
    """A severity or status, which some systems number; empty where there is none."""
    found = _at(element, place) if place else None
    if isinstance(found, bool):
        return str(found).lower()
    return str(found) if isinstance(found, str | int) else ""


def _oldest(incidents: list[Any], form: Form, at: datetime) -> int | Unknown:
    began = [_moment(_at(one, form.began)) for one in incidents]
    known = [moment for moment in began if moment is not None]
    if len(known) < len(began):
        return _NO_BEGIN
    return max((max(0, int((at - moment).total_seconds())) for moment in known), default=0)


def _moment(value: Any) -> datetime | None:
    """A time with a zone as RFC 3339 writes it, or in seconds since 1970."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
