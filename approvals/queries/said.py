"""What policy said of a request, in words for people: rules, remedies, notes, wishes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.models import Request
from approvals.permissions import either
from approvals.queries.facts import duration_words
from approvals.quorum import Asked


@dataclass(frozen=True)
class RuleLine:
    """One rule's result; `state` is applies, does_not or cannot_tell.

    `versions` are those that say the same: `v2 and v3` while two of them judge.
    `remedy` says what would make it pass, and is empty where it is in nobody's way.
    """

    policy: str
    versions: str
    rule: str
    level: str
    state: str
    sentence: str
    remedy: str


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

    `notes` are advisory; `wishes` are what else it wants of whoever decides; `moved` names policies
    of which another version came into force while the request waited.
    """

    rules: list[RuleLine]
    notes: list[str]
    wishes: list[str]
    shadow: list[ShadowLine]
    moved: list[str]


def policy_said(request: Request) -> PolicySaid:
    """Read from the stored verdict; no query."""
    if request.verdict is None:
        return PolicySaid([], [], [], [], [])
    body = request.verdict.body
    return PolicySaid(
        rules=_rules(body["explanation"]),
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
    said: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        parts = ("policy", "rule", "level", "result", "sentence", "remedy")
        said.setdefault(tuple(row[part] for part in parts), []).append(row["version"])
    return [
        RuleLine(policy, _(" and ").join(f"v{n}" for n in versions), *parts)
        for (policy, *parts), versions in said.items()
    ]


def _wishes(body: Mapping[str, Any]) -> list[str]:
    found = []
    if body["step_up"]:
        text = _(
            "Whoever decides should have signed in with a second factor in the last %(age)s. "
            "This version of the portal cannot check that yet."
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
