"""What a Terraform plan would do, from the JSON of `terraform show -json PLAN` (format 1.x).

Only addresses, types and actions of resources are kept: values, before and after, may be secrets.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.kernel.canonical import sha256_digest
from portal.kernel.text import text_problem

MAX_PLAN = 2 * 1024 * 1024  # bytes, as it is sent
MAX_DEPTH = 200
MOST_LISTED = 1_000
MOST_CHARACTERS = 65_536  # of one list in all
LONGEST = 1_000  # of one address or type

_IN_PLACE = "in place"
_REPLACE = "replace"
_ACTIONS: dict[tuple[str, ...], str] = {
    ("no-op",): "",
    ("read",): "",
    ("create",): "create",
    ("update",): _IN_PLACE,
    ("forget",): _IN_PLACE,  # nothing is destroyed, but it is not looked after any more
    ("delete",): "delete",
    ("delete", "create"): _REPLACE,
    ("create", "delete"): _REPLACE,
    ("create", "forget"): _REPLACE,
}


class NotAPlan(ValueError):
    """The JSON is no plan that can be read; the sentence quotes nothing of it."""


class Number(str):
    """A number of a JSON text, with the digits it was written with."""

    __slots__ = ()


@dataclass(frozen=True)
class Plan:
    """What one plan would do. Counts are Terraform's own: a replacement adds and destroys.

    `changes` counts what changes in place, is imported or forgotten. `destroyed` are the addresses
    that are destroyed or replaced. A list is None where it is too long to be kept whole.
    """

    digest: str
    adds: int
    changes: int
    destroys: int
    replaces: int
    resource_types: tuple[str, ...] | None
    destroyed: tuple[str, ...] | None
    sensitive_outputs: bool

    def to_json(self) -> dict[str, Any]:
        """Canonical-JSON-safe form, without the digest: the subject of a request has it."""
        return {
            "adds": self.adds,
            "changes": self.changes,
            "destroys": self.destroys,
            "replaces": self.replaces,
            "resource_types": _as_list(self.resource_types),
            "destroyed": _as_list(self.destroyed),
            "sensitive_outputs": self.sensitive_outputs,
        }


def parse_exactly(text: bytes) -> Any:
    """The value of a JSON text, each number as a Number. Raises NotAPlan."""
    try:
        return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_no_number)
    except ValueError:
        raise NotAPlan("it is not valid JSON") from None
    except RecursionError:
        raise _too_deep() from None


def plan_digest(plan: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical form of a plan from `parse_exactly`. Raises NotAPlan.

    RFC 8785, but a number keeps its digits; `timestamp` of the plan is left out, so that two equal
    plans have one digest.
    """
    lasting = {name: value for name, value in plan.items() if name != "timestamp"}
    pieces: list[str] = []
    try:
        _write(lasting, pieces)
        return sha256_digest("".join(pieces).encode())
    except UnicodeEncodeError:
        raise NotAPlan("it is not valid Unicode text") from None


def read_plan(plan: object) -> Plan:
    """What the plan would do; `plan` is from `parse_exactly`. Raises NotAPlan."""
    whole = _object(plan, "it")
    _require_plan(whole)
    changes = [_change_of(row) for row in _list(whole.get("resource_changes"), "resource_changes")]
    done = [(kind, about) for kind, about in changes if kind]
    kinds = [kind for kind, _ in done]
    replaces = kinds.count(_REPLACE)
    return Plan(
        digest=plan_digest(whole),
        adds=kinds.count("create") + replaces,
        changes=kinds.count(_IN_PLACE),
        destroys=kinds.count("delete") + replaces,
        replaces=replaces,
        resource_types=_listed({about["type"] for _, about in done}),
        destroyed=_listed({about["address"] for k, about in done if k in {"delete", _REPLACE}}),
        sensitive_outputs=_sensitive_outputs(whole),
    )


def _require_plan(plan: Mapping[str, Any]) -> None:
    version = plan.get("format_version")
    if type(version) is not str or not version.startswith("1."):
        raise NotAPlan("its format_version is not 1.x; send what `terraform show -json PLAN` says")
    if "planned_values" not in plan and "resource_changes" not in plan:
        raise NotAPlan("it is a state, no plan; give `terraform show -json` the file of a plan")
    if plan.get("errored") is True:
        raise NotAPlan("Terraform could not finish it (errored); plan again")


def _change_of(row: object) -> tuple[str, dict[str, str]]:
    """What happens to one resource, and its address and type."""
    found = _object(row, "an entry of resource_changes")
    about = {name: _text(found.get(name), name) for name in ("address", "type")}
    change = _object(found.get("change"), "a change")
    kind = _kind(change)
    return kind or (_IN_PLACE if change.get("importing") else ""), about


def _kind(change: Mapping[str, Any]) -> str:
    actions = tuple(str(action) for action in _list(change.get("actions"), "actions"))
    if actions not in _ACTIONS:
        raise NotAPlan("it has actions on a resource that are not known here")
    return _ACTIONS[actions]


def _sensitive_outputs(plan: Mapping[str, Any]) -> bool:
    outputs = _object(plan.get("output_changes") or {}, "output_changes")
    changed = [
        found
        for found in (_object(output, "an output") for output in outputs.values())
        if _kind(found)
    ]
    marks = ("before_sensitive", "after_sensitive")
    return any(_marked(output.get(name)) for output in changed for name in marks)


def _marked(marks: object) -> bool:
    """Whether a mark says sensitive of anything in a value."""
    waiting = [marks]
    while waiting:
        mark = waiting.pop()
        if mark is True:
            return True
        if isinstance(mark, dict):
            waiting.extend(mark.values())
        elif isinstance(mark, list):
            waiting.extend(mark)
    return False


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotAPlan(f"{what} is not an object")
    return value


def _list(value: object, what: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise NotAPlan(f"{what} is not a list")
    return value


def _text(value: object, what: str) -> str:
    if type(value) is not str or not value:  # a Number is a str, too
        raise NotAPlan(f"{what} of a resource is not a text")
    if len(value) > LONGEST:
        raise NotAPlan(f"{what} of a resource has more than {LONGEST} characters")
    problem = text_problem(value)
    if problem:
        raise NotAPlan(f"{what} of a resource {problem}")
    return value


def _listed(texts: set[str]) -> tuple[str, ...] | None:
    """All of them or None: a list with some left out would read as if they were not there."""
    if len(texts) > MOST_LISTED or sum(map(len, texts)) > MOST_CHARACTERS:
        return None
    return tuple(sorted(texts))


def _as_list(texts: tuple[str, ...] | None) -> list[str] | None:
    return None if texts is None else list(texts)


def _write(value: object, out: list[str], depth: int = 0) -> None:
    """Append the pieces of the canonical text of `value`."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, dict):
        before = "{"
        for name in sorted(value, key=_by_code_unit):
            out += (before, _quoted(name), ":")
            _write(value[name], out, depth + 1)
            before = ","
        out.append("}" if value else "{}")
    elif isinstance(value, list):
        before = "["
        for item in value:
            out.append(before)
            _write(item, out, depth + 1)
            before = ","
        out.append("]" if value else "[]")
    else:
        out.append(value if isinstance(value, Number) else _quoted(value))


def _by_code_unit(name: str) -> bytes:
    return name.encode("utf-16-be")


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _no_number(word: str) -> None:
    raise ValueError(word)


def _too_deep() -> NotAPlan:
    return NotAPlan(f"it is nested more than {MAX_DEPTH} levels deep")
