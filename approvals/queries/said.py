"""What policy said of a request, in words for people: rules, remedies, notes, wishes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.asked import asked_of
from approvals.models import Request
from approvals.permissions import either
from approvals.quorum import Asked
from policies.language.template import MAX_SHOWN_ITEMS, show
from portal.templatetags.times import duration_words


@dataclass(frozen=True)
class FactSaid:
    """A fact behind an answer; `more` is the number of items left out of `value`."""

    name: str
    known: bool
    value: str
    more: int
    reason: str
    claimed: bool


@dataclass(frozen=True)
class NamedSaid:
    """A definition behind a rule's answer; `truth` is true, false or unknown."""

    name: str
    condition: str
    truth: str
    error: str
    facts: list[FactSaid]


@dataclass(frozen=True)
class RuleLine:
    """One rule's result; `state` is applies, does_not or cannot_tell.

    `versions` are those that say the same: `v2 and v3` while two of them judge; empty for a
    document that is not saved. `remedy` says what would make it pass, and is empty where it is in
    nobody's way.
    """

    policy: str
    versions: str
    rule: str
    level: str
    state: str
    sentence: str
    remedy: str
    condition: str
    error: str
    named: list[NamedSaid]
    facts: list[FactSaid]


@dataclass(frozen=True)
class ShadowLine:
    """What a policy in shadow would have said."""

    policy: str
    version: int
    outcome: str
    why: str


@dataclass(frozen=True)
class PolicySaid:
    """Everything a verdict tells besides its outcome.

    `rules` are those that apply or cannot be told, `quiet` those that do not apply. `denials`,
    `asked` and `notes` are sentences; `wishes` are what else it wants of whoever decides; `moved`
    names policies of which another version came into force while the request waited. Times are
    seconds.
    """

    rules: list[RuleLine]
    quiet: list[RuleLine]
    denials: list[str]
    asked: list[str]
    risk: str
    decide_within: int
    valid_for: int
    hold: list[str]
    notes: list[str]
    wishes: list[str]
    shadow: list[ShadowLine]
    moved: list[str]


def policy_said(request: Request) -> PolicySaid | None:
    """Read from the stored verdict; no query. None where there is none yet."""
    return said_of(request.verdict.body) if request.verdict else None


def said_of(body: Mapping[str, Any]) -> PolicySaid:
    """What a verdict in its stored form says."""
    rules = _rules(body["explanation"])
    return PolicySaid(
        rules=[rule for rule in rules if rule.state != "does_not"],
        quiet=[rule for rule in rules if rule.state == "does_not"],
        denials=[row["sentence"] for row in body["denials"]],
        asked=[_asked(row) for row in body["obligations"]],
        risk=body["risk"],
        decide_within=body["decide_within"],
        valid_for=body["valid_for"],
        hold=body["hold"],
        notes=[row["sentence"] for row in body["notes"]],
        wishes=_wishes(body),
        shadow=[_shadow(row) for row in body["shadow"]],
        moved=_moved(body["policies"]),
    )


def finer_points(asked: Asked) -> list[str]:
    """What an obligation asks besides a number of people."""
    found = [
        _("%(n)d from %(group)s") % {"n": n, "group": group}
        for group, n in asked.including
        if len(asked.groups) > 1
    ]
    if asked.sequence:
        order = _(", then ").join(asked.sequence)
        found.append(_("first %(order)s") % {"order": order})
    if asked.distinct_across:
        rules = _(" and ").join(asked.distinct_across)
        found.append(_("other people than for %(rules)s") % {"rules": rules})
    if asked.self_approval:
        found.append(_("also by who made the change"))
    return found


def _rules(rows: list[Mapping[str, Any]]) -> list[RuleLine]:
    """Each rule once, however many versions say it alike."""
    said: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        parts = ("policy", "rule", "level", "result", "sentence", "remedy")
        said.setdefault(tuple(row[part] for part in parts), []).append(row)
    return [_rule(alike) for alike in said.values()]


def _rule(alike: list[Mapping[str, Any]]) -> RuleLine:
    row = alike[0]
    return RuleLine(
        policy=row["policy"],
        versions=_(" and ").join(f"v{one['version']}" for one in alike if one["version"]),
        rule=row["rule"],
        level=row["level"],
        state=row["result"],
        sentence=row["sentence"],
        remedy=row["remedy"],
        condition=row["condition"],
        error=row["error"],
        named=[_named(one) for one in row["named"]],
        facts=[_fact(one) for one in row["facts"]],
    )


def _named(row: Mapping[str, Any]) -> NamedSaid:
    facts = [_fact(one) for one in row["facts"]]
    return NamedSaid(row["name"], row["condition"], row["truth"], row["error"], facts)


def _fact(row: Mapping[str, Any]) -> FactSaid:
    value, more = row.get("value", ""), 0
    if isinstance(value, list):
        value, more = tuple(value[:MAX_SHOWN_ITEMS]), max(0, row["total"] - MAX_SHOWN_ITEMS)
    return FactSaid(
        name=row["name"],
        known="value" in row,
        value=show(value) or _("empty"),
        more=more,
        reason=row.get("reason", ""),
        claimed=row.get("provenance") == "claimed",
    )


def _asked(row: Mapping[str, Any]) -> str:
    asked = asked_of(row)
    text = ngettext("%(n)d approval from %(who)s", "%(n)d approvals from %(who)s", asked.count)
    who = {"n": asked.count, "who": either([*asked.groups])}
    rule = _("rule %(rule)s of %(policy)s") % {"rule": asked.rule, "policy": asked.policy}
    return " · ".join([text % who, *finer_points(asked), rule])


def outcome_words(outcome: str) -> str:
    """An outcome in a few words."""
    return {
        "allow": _("let through, nobody is asked"),
        "review": _("people are asked"),
        "blocked": _("blocked until a fact is known"),
        "deny": _("denied"),
    }[outcome]


def _wishes(body: Mapping[str, Any]) -> list[str]:
    found = [body["extra"]["sentence"]] if "extra" in body else []
    if body["step_up"]:
        text = _(
            "Whoever decides confirms with a second factor, shown for this decision at most "
            "%(age)s before."
        )
        found.append(text % {"age": duration_words(body["step_up"])})
    for door in body["break_glass"]:
        text = _(
            "In an emergency %(who)s may lift the soft rules of %(policy)s. This version of the "
            "portal has no emergency permits yet."
        )
        found.append(text % {"who": either(door["by"]), "policy": door["policy"]})
    found += [_step(step) for step in body["escalate"]]
    return found


def _step(step: Mapping[str, Any]) -> str:
    who = either(list(dict.fromkeys([*step["notify"], *step["add"]])))
    text = _(
        "After %(time)s without a decision %(who)s should be told. This version of the portal "
        "sends no messages yet."
    )
    return text % {"time": duration_words(step["after"]), "who": who}


def _shadow(row: Mapping[str, Any]) -> ShadowLine:
    words = {
        "allow": _("would have let it through"),
        "review": _("would have asked people"),
        "blocked": _("would have waited for a fact"),
        "deny": _("would have denied"),
    }
    why = [denial["sentence"] for denial in row["denials"]]
    why += [
        ngettext("%(n)d approval from %(who)s", "%(n)d approvals from %(who)s", asked["count"])
        % {"n": asked["count"], "who": either(asked["groups"])}
        for asked in row["obligations"]
        if row["outcome"] == "review"
    ]
    return ShadowLine(row["policy"], row["version"], words[row["outcome"]], " ".join(why))


def _moved(policies: list[Mapping[str, Any]]) -> list[str]:
    versions: dict[str, list[int]] = {}
    for ref in policies:
        versions.setdefault(ref["policy"], []).append(ref["version"])
    return [
        _("%(policy)s: versions %(versions)s")
        % {"policy": name, "versions": _(" and ").join(str(n) for n in sorted(numbers))}
        for name, numbers in versions.items()
        if len(numbers) > 1
    ]
