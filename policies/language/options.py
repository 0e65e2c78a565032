"""Reading what stands beside the rules: risk, drift, unavailable facts, step-up, emergencies."""

from collections.abc import Mapping
from typing import Any

from policies.language.document import (
    BreakGlass,
    Escalation,
    Mode,
    OnDrift,
    Requirement,
    Risk,
    StepUp,
    Supersede,
)
from policies.language.nodes import YamlNode
from policies.language.reader import Reader
from policies.language.schema import unknown_fact

KEYS = (
    *("mode", "risk", "hold", "tolerate", "on_unavailable", "on_drift", "supersede", "step_up"),
    *("break_glass", "escalate"),
)
MODES: tuple[Mode, ...] = ("enforce", "shadow", "off")
ON_DRIFT: tuple[OnDrift, ...] = ("requeue", "deny")
SUPERSEDE: tuple[Supersede, ...] = ("environment", "none")
MAX_ESCALATIONS = 10
MAX_REASON = 1_000

_GLASS_KEYS = ("by", "reason_min", "lifts", "valid_for", "notify", "review_within")


def read_options(fields: Mapping[str, YamlNode], reader: Reader) -> dict[str, Any]:
    """The options by the name that the document has for them; what is not written has a default."""
    hold = _hold(fields.get("hold"), reader)
    return {
        "mode": _choice(fields, "mode", MODES, reader),
        "risk": _risk(fields.get("risk"), reader),
        "hold": hold,
        "tolerate": _tolerate(fields.get("tolerate"), hold, reader),
        "on_unavailable": _on_unavailable(fields.get("on_unavailable"), reader),
        "on_drift": _choice(fields, "on_drift", ON_DRIFT, reader),
        "supersede": _choice(fields, "supersede", SUPERSEDE[::-1], reader),
        "step_up": _step_up(fields.get("step_up"), reader),
        "break_glass": _break_glass(fields.get("break_glass"), reader),
        "escalate": _escalate(fields.get("escalate"), reader),
    }


def _choice(
    fields: Mapping[str, YamlNode], key: str, words: tuple[str, ...], reader: Reader
) -> str:
    """The word written, or the first of `words`."""
    node = fields.get(key)
    return (reader.report.choice(node, key, words) if node else None) or words[0]


def _hold(node: YamlNode | None, reader: Reader) -> tuple[str, ...]:
    if node is None:
        return ()
    names = reader.report.texts(node, "hold", "the name of a fact")
    for item, name in zip(reader.report.items(node, "hold"), names, strict=False):
        if name and name not in reader.schema:
            reader.report.add(item, unknown_fact(name, reader.schema))
    return names


def _risk(node: YamlNode | None, reader: Reader) -> Risk:
    fields = reader.report.mapping(node, "risk", ("high", "medium")) if node else {}
    # A claim may raise the tag, as it may a requirement, but not lower it.
    found = {
        name: reader.condition(fields[name], f"risk {name}", "require") if name in fields else None
        for name in ("high", "medium")
    }
    return Risk(**found)


def _tolerate(
    node: YamlNode | None, hold: tuple[str, ...], reader: Reader
) -> tuple[tuple[str, float], ...]:
    found = {}
    for key, value in reader.report.entries(node, "tolerate") if node else ():
        fact = reader.fact(key)
        if fact and fact.kind not in {"int", "double"}:
            reader.report.add(key, f"only numbers can move a little, and {fact.name} is none")
        elif fact and fact.name not in hold:
            reader.report.add(key, f"{fact.name} is not held; name it in hold too")
        found[key.value] = reader.report.decimal(value, f"tolerate {key.value}")
    return tuple(sorted(found.items()))


def _on_unavailable(node: YamlNode | None, reader: Reader) -> tuple[tuple[str, Requirement], ...]:
    found = {}
    for key, value in reader.report.entries(node, "on_unavailable") if node else ():
        fact = reader.fact(key)
        if fact and fact.claimed:
            message = f"{fact.name} is claimed: whoever leaves it out would choose who decides"
            reader.report.add(key, message)
        what = f"on_unavailable {key.value}"
        found[key.value] = reader.required(value, what, what)
    return tuple(sorted(found.items()))


def _step_up(node: YamlNode | None, reader: Reader) -> StepUp | None:
    if node is None:
        return None
    fields = _mandatory(node, "step_up", ("when", "max_age"), reader)
    if not fields:
        return None
    when = reader.condition(fields["when"], "when of step_up", "require")
    max_age = reader.report.seconds(fields["max_age"], "max_age", "1m", "1d")
    return StepUp(when, max_age) if when else None


def _break_glass(node: YamlNode | None, reader: Reader) -> BreakGlass | None:
    if node is None:
        return None
    report = reader.report
    fields = report.mapping(node, "break_glass", _GLASS_KEYS)
    for key in ("by", "valid_for", "review_within"):
        if fields and key not in fields:
            report.add(node, f"break_glass has no '{key}'")
            return None
    if not fields:
        return None
    if "lifts" in fields:
        report.choice(fields["lifts"], "lifts", ("soft",))
    reason = fields.get("reason_min")
    return BreakGlass(
        by=reader.groups(fields["by"], "by"),
        reason_min=report.number(reason, "reason_min", 1, MAX_REASON) if reason else 1,
        valid_for=report.seconds(fields["valid_for"], "valid_for", "1m", "1d"),
        notify=reader.groups(fields["notify"], "notify") if "notify" in fields else (),
        review_within=report.seconds(fields["review_within"], "review_within", "1h", "30d"),
    )


def _escalate(node: YamlNode | None, reader: Reader) -> tuple[Escalation, ...]:
    items = reader.report.items(node, "escalate") if node else ()
    if node and len(items) > MAX_ESCALATIONS:
        reader.report.add(node, f"too many steps; at most {MAX_ESCALATIONS}")
    found = [_escalation(item, reader) for item in items]
    return tuple(sorted(step for step in found if step is not None))


def _escalation(node: YamlNode, reader: Reader) -> Escalation | None:
    fields = reader.report.mapping(node, "a step of escalate", ("after", "notify", "add"))
    if not fields:
        return None
    if "after" not in fields or len(fields) < 2:
        reader.report.add(node, "a step of escalate has 'after', and 'notify' or 'add'")
        return None
    return Escalation(
        after=reader.report.seconds(fields["after"], "after", "1m", "30d"),
        notify=reader.groups(fields["notify"], "notify") if "notify" in fields else (),
        add=reader.groups(fields["add"], "add") if "add" in fields else (),
    )


def _mandatory(
    node: YamlNode, what: str, keys: tuple[str, ...], reader: Reader
) -> dict[str, YamlNode]:
    """The entries of a mapping that has all of `keys`, or nothing."""
    fields = reader.report.mapping(node, what, keys)
    missing = [key for key in keys if key not in fields]
    if fields and missing:
        reader.report.add(node, f"{what} has no {' and no '.join(missing)}")
    return {} if missing else fields
