"""Facts of a snapshot as rows for people: label, value in words, status, what changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from approvals.context.drift import changes_between, unknown_held
from approvals.models import Request, Snapshot
from approvals.queries.labels import GROUPS, LABELS
from policies.freezes.state import FAR_S
from policies.language.facts import Facts, FactState, Known
from policies.language.schema import CURRENT_SCHEMA, SCHEMAS, FactType
from portal.kernel.clock import now
from portal.templatetags.times import clock_words

# The heading of the page says these; empty texts say nothing.
HIDDEN = frozenset(
    {f"request.{name}" for name in ("project", "environment", "tier", "action", "run_attempt")}
    | {f"request.{name}" for name in ("commit", "ref", "artifact", "plan", "reason")}
    | {"request.system", "request.pipeline", "request.job", "time.now"}
)
LOOK_WHEN_FALSE = frozenset({"git.exists", "git.is_head", "git.on_branch"})
FREEZES = frozenset({"ops.freeze", "ops.next_freeze_s", "ops.freeze_exception"})
# Said by another row already, or background: shown when a policy reads them.
QUIET = frozenset(
    {"git.files_changed", "git.insertions", "git.deletions", "history.last_success_age_s"}
    | {"ops.freeze_reason", "ops.freeze_ends_s", "ops.next_freeze_reason", "ops.business_hours"}
    | {"git.signed", "time.weekday", "time.hour", "request.actor"}
)
# Groups that have nothing to say of most requests.
UNTOLD = frozenset({"tests", "deploy", "terraform", "policy"})
SHOWN_PATHS = 12


@dataclass(frozen=True)
class FactRow:
    """One fact, ready to be shown. `status`: holds, look, fails, freeze, unknown or reading."""

    name: str
    label: str
    value: str
    status: str
    source: str
    observed_at: datetime | None
    provenance: str
    changed: bool
    old: str | None
    changed_at: datetime | None
    held: bool
    reason: str
    used: bool

    @property
    def group(self) -> str:
        """The first word of its name."""
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class FactGroup:
    """Facts under one heading."""

    title: str
    facts: list[FactRow]


def words(state: FactState, name: str = "") -> str:
    """A fact's value as people read it."""
    if not isinstance(state, Known):
        return str(_("unknown"))
    value = state.value
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, tuple):
        shown = ", ".join(value[:SHOWN_PATHS])
        rest = len(value) - SHOWN_PATHS
        if rest > 0:
            shown += ngettext(" and %(n)d more", " and %(n)d more", rest) % {"n": rest}
        return shown or str(_("none"))
    if name.endswith("_s") and isinstance(value, int):
        return duration_words(value)
    return str(value) if value != "" else str(_("none"))


def _size(facts: Facts, _name: str) -> str:
    """“+182 −40 in 11 files” for the row that says how large the change is."""
    parts = [facts.state(f"git.{name}") for name in ("insertions", "deletions", "files_changed")]
    values = [part.value for part in parts if isinstance(part, Known)]
    if len(values) != len(parts):
        return words(facts.state("git.diff_lines"))
    added, removed, files = values
    text = ngettext("+%(a)s −%(r)s in %(n)s file", "+%(a)s −%(r)s in %(n)s files", int(str(files)))
    return text % {"a": added, "r": removed, "n": files}


def _freeze(facts: Facts, name: str) -> str:
    """“Year end, until 2 Jan 08:00”: the freeze in force, or the next one and when it begins."""
    state, running = facts.state(name), name == "ops.freeze"
    seconds = facts.state("ops.freeze_ends_s" if running else name)
    reason = facts.state("ops.freeze_reason" if running else "ops.next_freeze_reason")
    if not (isinstance(seconds, Known) and isinstance(reason, Known)) or not reason.value:
        return str(_("none in the next two years")) if _is_far(state) else words(state, name)
    moment = seconds.observed_at + timedelta(seconds=int(str(seconds.value)))
    text = _("%(reason)s, until %(moment)s") if running else _("%(reason)s, from %(moment)s")
    return text % {"reason": reason.value, "moment": clock_words(moment, now())}


def missing_facts(request: Request) -> list[str]:
    """Facts that the request waits for: a deny cannot be told, or a held one has no value."""
    if request.verdict is None or request.snapshot is None:
        return []
    body = request.verdict.body
    held = unknown_held(body["hold"], Facts.from_json(request.snapshot.facts))
    return sorted({*body["blocking"], *held})


def duration_words(seconds: int) -> str:
    """9 min, 1 h 48, 3 d 4 h."""
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60:02d}"
    return f"{days} d {hours % 24} h"


# Rows whose value is made of several facts.
COMPOSED = {"git.diff_lines": _size, "ops.freeze": _freeze, "ops.next_freeze_s": _freeze}


def _is_far(state: FactState) -> bool:
    return isinstance(state, Known) and state.value == FAR_S


@dataclass(frozen=True)
class _Reader:
    """What one page knows about facts: which changed, and what policy makes of each."""

    facts: Facts
    news: Mapping[str, str]
    held: frozenset[str]
    used: frozenset[str]
    failing: frozenset[str]
    captured_at: datetime
    about_policy: bool

    def shows(self, fact: FactType) -> bool:
        """Whether a fact is worth a row: policy reads it, or it tells a person something."""
        state = self.facts.state(fact.name)
        if fact.name in HIDDEN or (isinstance(state, Known) and state.value in ("", ())):
            return False
        untold = fact.group in UNTOLD and not isinstance(state, Known)
        untold |= fact.name == "ops.next_freeze_s" and _is_far(state)
        if self.about_policy and fact.group != "policy":
            return fact.name in self.used and not untold
        return fact.name in self.used or not (untold or fact.name in QUIET)

    def row(self, fact: FactType) -> FactRow:
        name, state = fact.name, self.facts.state(fact.name)
        return FactRow(
            name=name,
            label=str(LABELS.get(name, name)),
            value=COMPOSED[name](self.facts, name) if name in COMPOSED else words(state, name),
            status=_status(name, state, self.failing),
            source=state.source if isinstance(state, Known) else fact.group,
            observed_at=state.observed_at if isinstance(state, Known) else None,
            provenance=fact.provenance,
            changed=name in self.news,
            old=self.news.get(name),
            changed_at=self.captured_at if name in self.news else None,
            held=name in self.held,
            reason="" if isinstance(state, Known) else state.reason,
            used=name in self.used,
        )


def fact_rows(
    snapshot: Snapshot,
    baseline: Snapshot | None,
    *,
    held: Iterable[str],
    used: Iterable[str],
    failing: Iterable[str],
) -> list[FactRow]:
    """The facts of `snapshot`; changed ones against `baseline` (what the reader saw before)."""
    facts = Facts.from_json(snapshot.facts)
    old = Facts.from_json(baseline.facts) if baseline else None
    reader = _Reader(
        facts=facts,
        news=_news(old, facts) if old is not None else {},
        held=frozenset(held),
        used=frozenset(used),
        failing=frozenset(failing),
        captured_at=snapshot.captured_at,
        about_policy=isinstance(facts.state("policy.name"), Known),
    )
    listed = SCHEMAS[CURRENT_SCHEMA].only(facts.keys() | reader.used)
    return _together([reader.row(fact) for fact in listed if reader.shows(fact)])


def _together(rows: list[FactRow]) -> list[FactRow]:
    """One row for all facts of a group that are unknown for one reason and no policy reads."""
    kept: list[FactRow] = []
    silent: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row.group, row.reason)
        if row.status not in {"unknown", "reading"} or row.used or row.held or row.changed:
            kept.append(row)
        elif key in silent:
            first = kept[silent[key]]
            label = _("Everything else from %(group)s") % {"group": row.group}
            kept[silent[key]] = replace(first, label=str(label))
        else:
            silent[key] = len(kept)
            kept.append(row)
    return kept


def grouped(rows: Iterable[FactRow]) -> list[FactGroup]:
    """Changed ones first, then by what they are about."""
    listed = list(rows)
    changed = [row for row in listed if row.changed]
    groups = [FactGroup(str(_("Changed")), changed)] if changed else []
    by_title: dict[str, list[FactRow]] = {}
    for group, title in GROUPS.items():
        found = [row for row in listed if row.group == group and not row.changed]
        by_title.setdefault(str(title), []).extend(found)
    return groups + [FactGroup(title, found) for title, found in by_title.items() if found]


def _news(old: Facts, new: Facts) -> Mapping[str, str]:
    """Old value in words for what changed; the first answer of a source is no change."""
    return {
        change.fact: words(change.old, change.fact)
        for change in changes_between(old, new)
        if isinstance(change.old, Known) or change.old.kind != "pending"
    }


def _status(name: str, state: FactState, failing: frozenset[str]) -> str:
    if not isinstance(state, Known):
        return "reading" if state.kind == "pending" else "unknown"
    if name in failing:
        return "fails"
    if name in FREEZES and state.value is not False and not _is_far(state):
        return "freeze"
    if name in LOOK_WHEN_FALSE and state.value is False:
        return "look"
    if name == "git.signature" and state.value == "bad":
        return "fails"
    return "holds"
