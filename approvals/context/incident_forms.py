"""Where systems for incidents and on-call duty say what, as they document their answers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from approvals.context.connected import BadSetting
from approvals.context.pointer import parse_pointer
from approvals.context.severity import order_problem, words_of

PLACES = ("elements", "text", "severity", "began", "status", "next")


@dataclass(frozen=True)
class Form:
    """Places are JSON Pointers: `elements` and `next` in the answer, the others in each element.

    `text` is the title of an incident, or the e-mail address of somebody on call; empty: the
    element itself. `next` is the address of the next page, with `by_offset` whether there is one.
    What has a status of `closed` is over. `query` is added to the address, where it does not say
    the same itself. `before` stands before the key in the header.
    """

    label: str
    on_call: bool = False
    elements: str = ""
    text: str = ""
    severity: str = ""
    began: str = ""
    status: str = ""
    next: str = ""
    closed: str = ""
    order: str = ""
    by_offset: bool = False
    query: tuple[tuple[str, str], ...] = ()
    accept: str = "application/json"
    before: str = ""

    @property
    def over(self) -> frozenset[str]:
        return frozenset(word.lower() for word in words_of(self.closed))

    @property
    def severities(self) -> tuple[str, ...]:
        return words_of(self.order)


_PAGERDUTY = Form(
    "PagerDuty",
    next="/more",
    by_offset=True,
    accept="application/vnd.pagerduty+json;version=2",
    before="Token token=",
)
FORMS = {
    "pagerduty-incidents": replace(
        _PAGERDUTY,
        label="PagerDuty: incidents",
        elements="/incidents",
        text="/title",
        severity="/urgency",
        began="/created_at",
        status="/status",
        closed="resolved",
        order="high, low",
        query=(("statuses[]", "triggered"), ("statuses[]", "acknowledged"), ("limit", "100")),
    ),
    "pagerduty-oncalls": replace(
        _PAGERDUTY,
        label="PagerDuty: who is on call",
        on_call=True,
        elements="/oncalls",
        text="/user/email",
        query=(("include[]", "users"), ("limit", "100")),
    ),
    "opsgenie-alerts": Form(
        "Opsgenie: alerts",
        elements="/data",
        text="/message",
        severity="/priority",
        began="/createdAt",
        status="/status",
        next="/paging/next",
        closed="closed",
        order="P1, P2, P3, P4, P5",
        query=(("query", "status:open"), ("limit", "100")),
        before="GenieKey ",
    ),
    "opsgenie-oncalls": Form(
        "Opsgenie: who is on call",
        on_call=True,
        elements="/data/onCallRecipients",
        query=(("flat", "true"),),
        before="GenieKey ",
    ),
    "incidents": Form("Another system: incidents"),
    "oncalls": Form("Another system: who is on call", on_call=True),
}


def form_of(settings: Mapping[str, Any]) -> Form:
    """The form of a connection: that of its system, with what people wrote over it."""
    written = {name: settings[name] for name in (*PLACES, "closed", "order") if settings[name]}
    return replace(FORMS[settings["system"]], **written)


def check_form(form: Form) -> None:
    """Raise BadSetting for places that are none, and for an order that is missing."""
    for name in PLACES:
        try:
            parse_pointer(getattr(form, name))
        except ValueError:
            sentence = "This is no place; one begins with a slash, as in /data/0/title."
            raise BadSetting(name, sentence) from None
    if form.severity and (problem := order_problem(form.order)):
        raise BadSetting("order", problem)
