"""Alerts that fire now in an Alertmanager and that nobody silenced."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from approvals.context.connected import BadSetting, ConnectedSource, Field
from approvals.context.credentials import SIGN_IN, check_sign_in, sign_in
from approvals.context.fetch import Fetch, Refused
from approvals.context.places import PLACES, check_places, filled, has_places, quoted, values_of
from approvals.context.severity import order_problem, words_of, worst_of
from approvals.context.source import Question, SourceFailed
from policies.language.facts import Unknown

MOST_MATCHERS = 20
_NAME = re.compile(r"[A-Za-z_]\w*")
_MATCHER = re.compile(r'[A-Za-z_]\w*\s*(?:=|!=|=~|!~)\s*("(?:[^"\\]|\\.)*"|\{[a-z_]+\})')
_FOREIGN = "its answer is not what Alertmanager answers"
_NO_VALUE = Unknown("the request names no value for the matchers", "absent")


class AlertmanagerSource(ConnectedSource):
    """Asks for the alerts that all matchers fit; what is silenced or inhibited does not count."""

    name = "alertmanager"
    title = "Alertmanager"
    help = "Alerts that fire now: their names, how many, the worst severity."
    gives = ("alerts",)
    silence = "the request names no value for the matchers"
    fields = (
        Field("url", "Address", "url", "What stands before /api/v2, without a final slash."),
        Field(
            "matchers",
            "Matchers",
            "lines",
            'One on each line, as in “environment = {environment}” or “team =~ "shop|pay"”; an '
            "alert must fit all of them. {environment}, {project} and {commit} stand behind = "
            "without quotation marks. Without any, every alert counts.",
            required=False,
        ),
        Field(
            "label",
            "Label of the severity",
            default="severity",
            aside=True,
        ),
        Field(
            "order",
            "Severities",
            help="The worst first, with commas.",
            default="critical, error, warning, info, none",
            aside=True,
        ),
        Field(
            "always",
            "Alert that always fires",
            help="Its name, often Watchdog. While it does not fire, nothing is known: Prometheus "
            "may be down. It does not count itself.",
            required=False,
            aside=True,
        ),
        *SIGN_IN,
    )

    def clean(self, settings: Mapping[str, Any]) -> None:
        check_sign_in(settings)
        if not _NAME.fullmatch(settings["label"]):
            raise BadSetting("label", "This is no name of a label.")
        if problem := order_problem(settings["order"]):
            raise BadSetting("order", problem)
        try:
            _check_matchers(_matchers(settings))
        except ValueError as problem:
            raise BadSetting("matchers", str(problem)) from None

    def check(self, fetch: Fetch) -> str:
        matchers, always = _matchers(fetch.settings), fetch.settings["always"]
        any_values = dict.fromkeys(PLACES, "-")
        fitting = _alerts(fetch, [filled(one, any_values) for one in matchers])
        alerts = _alerts(fetch, [])
        if always and always not in {_name(alert) for alert in alerts}:
            raise SourceFailed(f"{always}, which always fires, does not: alerts may be missing")
        if any(has_places(one) for one in matchers):
            later = "Which of them fit is seen when one asks."
            return f"It answers. Alerts that fire now: {len(alerts)}. {later}"
        return f"It answers. Alerts that fire now: {len(alerts)}; that fit: {len(fitting)}."

    def read(self, question: Question, fetch: Fetch) -> Mapping[str, object | None]:
        settings, values = fetch.settings, values_of(question)
        matchers = [filled(one, values) for one in _matchers(settings)]
        if not all(matchers):
            return {}
        always = settings["always"]
        if always and not _alerts(fetch, [f"alertname={quoted(always)}"]):
            raise SourceFailed(f"{always}, which always fires, does not: alerts may be missing")
        alerts = _alerts(fetch, matchers)
        counted = [alert for alert in alerts if not always or _name(alert) != always]
        severities = [alert["labels"].get(settings["label"], "") for alert in counted]
        return {
            "alerts.firing": sorted({_name(alert) for alert in counted}),
            "alerts.count": len(counted),
            "alerts.worst": worst_of(severities, words_of(settings["order"])),
        }


def _matchers(settings: Mapping[str, Any]) -> list[str]:
    lines = [line.strip() for line in settings["matchers"].splitlines()]
    return [line for line in lines if line]


def _check_matchers(matchers: Sequence[str]) -> None:
    """Raise ValueError, with a sentence for people, for what is no matcher."""
    if len(matchers) > MOST_MATCHERS:
        raise ValueError(f"Use at most {MOST_MATCHERS} matchers.")
    for number, matcher in enumerate(matchers, start=1):
        try:
            check_places(matcher)
        except ValueError as problem:
            raise ValueError(f"Matcher {number}: {problem}") from None
        if not _MATCHER.fullmatch(matcher):
            raise ValueError(
                f"Matcher {number}: write it like environment = {{environment}}, or like "
                'team =~ "shop|pay" with quotation marks.'
            )


def _alerts(fetch: Fetch, matchers: Sequence[str]) -> list[dict[str, Any]]:
    """Alerts that fire. Silenced and inhibited ones are left out here too: an old server, or one
    between, may send them all the same."""
    wanted = [("active", "true"), ("silenced", "false"), ("inhibited", "false")]
    params = [*wanted, *(("filter", matcher) for matcher in matchers)]
    try:
        answer = fetch.json("api/v2/alerts", params=params, headers=sign_in(fetch))
    except Refused as refusal:
        said = f"it does not take the matchers ({refusal.said})" if refusal.said else str(refusal)
        raise SourceFailed(said) from None
    if not isinstance(answer, list):
        raise SourceFailed(_FOREIGN)
    return [alert for alert in answer if _fires(alert)]


def _fires(alert: Any) -> bool:
    match alert:
        case {
            "labels": dict() as labels,
            "status": {"silencedBy": list() as silenced, "inhibitedBy": list() as inhibited},
        } if all(isinstance(value, str) for value in labels.values()):
            return not silenced and not inhibited
    raise SourceFailed(_FOREIGN)


def _name(alert: Mapping[str, Any]) -> str:
    return str(alert["labels"].get("alertname", "alert without a name"))
