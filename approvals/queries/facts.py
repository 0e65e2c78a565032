"""Facts of a snapshot as rows for people: label, value in words, status, what changed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from approvals.context.drift import changes_between, unknown_held
from approvals.models import Request, Snapshot
from approvals.queries.labels import GROUPS, LABELS
from approvals.queries.readings import Attempt
from approvals.queries.values import PARTS, is_far, said, whole, words
from policies.language.facts import Facts, FactState, Known, Value
from policies.language.schema import CURRENT_SCHEMA, SCHEMAS, FactType
from portal.templatetags.charts import Series

# The heading of the page says these; empty texts say nothing.
HIDDEN = frozenset(
    {f"request.{name}" for name in ("project", "environment", "tier", "action", "run_attempt")}
    | {f"request.{name}" for name in ("commit", "ref", "artifact", "plan", "reason")}
    | {"request.system", "request.pipeline", "request.job", "time.now"}
)
FREEZES = frozenset({"ops.freeze", "ops.next_freeze_s", "ops.freeze_exception"})
# Told elsewhere on the page, or background: shown when a policy reads them.
QUIET = frozenset(
    {"git.paths", "git.stat", "git.commits", "git.committed_at", "history.last_success_age_s"}
    | {"ops.freeze_reason", "ops.freeze_ends_s", "ops.next_freeze_reason", "ops.business_hours"}
    | {
        "ci.checks",
        "git.author_accounts",
        "git.signed",
        "time.weekday",
        "time.hour",
        "request.actor",
    }
)
# Worth a row with this value only, or when a policy reads them.
ONLY_WHEN: Mapping[str, Value] = {"git.exists": False, "history.first_time": True}
# Worth a row when something stands in them, or when a policy reads them.
ONLY_WHEN_FULL = frozenset(
    {"authors.unknown", "pr.labels"}
    | {f"migration.{name}" for name in ("drops", "locks", "unreadable")}
)
# Groups that have nothing to say of most requests.
UNTOLD = frozenset({"tests", "deploy", "terraform", "policy"})
# Groups of which an empty text or list says nothing.
SILENT_WHEN_EMPTY = frozenset({"request", "ops", "time", "policy", "history"})


def _is(*values: Value) -> Callable[[Value], bool]:
    return lambda value: value in values


# Known values that a person should look at.
LOOK: Mapping[str, Callable[[Value], bool]] = {
    **dict.fromkeys(("git.exists", "git.is_head", "git.on_branch"), _is(False)),
    **dict.fromkeys(("git.branch_protected", "image.signed"), _is(False)),
    **dict.fromkeys(("alerts.firing", "incident.open"), bool),
    **dict.fromkeys(("migration.drops", "migration.locks", "migration.unreadable"), bool),
    "authors.unknown": bool,
    "ci.state": _is("failure", "pending"),
    "pr.review_state": _is("changes_requested"),
    "deployment.state": _is("failure"),
    "history.last_outcome": _is("failed", "lost"),
}


@dataclass(frozen=True)
class FactRow:
    """One fact, ready to be shown. `status`: holds, look, fails, freeze, unknown or reading.

    `more` is said beside the value, `url` is its page at the forge, `series` how it moved; `whole`
    is all of it, where the value is only its beginning.
    `attempt`: the source that owes it, where it is not known.
    """

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
    whole: str = ""
    more: str = ""
    url: str = ""
    series: Series | None = None
    attempt: Attempt | None = None

    @property
    def group(self) -> str:
        """The first word of its name."""
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class FactGroup:
    """Facts under one heading."""

    title: str
    facts: list[FactRow]


def missing_facts(request: Request) -> list[str]:
    """Facts that the request waits for: a deny cannot be told, or a held one has no value."""
    if request.verdict is None or request.snapshot is None:
        return []
    body = request.verdict.body
    held = unknown_held(body["hold"], request.snapshot.typed)
    return sorted({*body["blocking"], *held})


@dataclass(frozen=True)
class Reader:
    """What one page knows about facts: which changed, what policy makes of each, how numbers moved
    and which source owes what."""

    facts: Facts
    news: Mapping[str, str]
    held: frozenset[str]
    used: frozenset[str]
    failing: frozenset[str]
    captured_at: datetime
    series: Mapping[str, Series]
    silent: Mapping[str, Attempt]
    names: Mapping[str, str]

    @property
    def about_policy(self) -> bool:
        """Whether the request is about a policy version."""
        return isinstance(self.facts.state("policy.name"), Known)

    def shows(self, fact: FactType) -> bool:
        """Whether a fact is worth a row: policy reads it, or it tells a person something."""
        state = self.facts.state(fact.name)
        empty = isinstance(state, Known) and state.value in ("", ())
        if fact.name in HIDDEN or (empty and fact.group in SILENT_WHEN_EMPTY):
            return False
        untold = fact.group in UNTOLD and not isinstance(state, Known)
        untold |= fact.name == "ops.next_freeze_s" and is_far(state)
        if self.about_policy and fact.group != "policy":
            return fact.name in self.used and not untold
        asked = fact.name in self.used | self.held
        return asked or not (untold or self._told(fact.name, state))

    def _told(self, name: str, state: FactState) -> bool:
        """Whether another row or panel says it; a change is never left to a row without one."""
        if name in ONLY_WHEN:
            return not (isinstance(state, Known) and state.value == ONLY_WHEN[name])
        if name in ONLY_WHEN_FULL:
            return not _value(state)
        if name == "git.committer":
            return _value(state) in (None, _value(self.facts.state("git.author")))
        if name in QUIET or name not in PARTS:
            return name in QUIET
        whole = PARTS[name]
        if name in self.news and whole not in self.news:
            return False
        return isinstance(self.facts.state(whole), Known) or not isinstance(state, Known)

    def row(self, fact: FactType) -> FactRow:
        """The row of one fact."""
        name, state = fact.name, self.facts.state(fact.name)
        known = isinstance(state, Known)
        shown = said(self.facts, name)
        return FactRow(
            name=name,
            label=label_of(name),
            value=shown.value,
            status=self._status(name),
            source=self._source(fact),
            observed_at=state.observed_at if isinstance(state, Known) else None,
            provenance=fact.provenance,
            changed=name in self.news,
            old=self.news.get(name),
            changed_at=self.captured_at if name in self.news else None,
            held=name in self.held,
            reason="" if isinstance(state, Known) else state.reason,
            used=name in self.used,
            whole=whole(self.facts, name),
            more=shown.more,
            url=shown.url,
            series=self.series.get(name),
            attempt=None if known else self.silent.get(name),
        )

    def _source(self, fact: FactType) -> str:
        """Who said it, or owes it; of a connection its name."""
        state = self.facts.state(fact.name)
        if not isinstance(state, Known):
            return fact.group
        return self.names.get(state.source) or state.source.partition(":")[0]

    def _status(self, name: str) -> str:
        state = self.facts.state(name)
        if not isinstance(state, Known):
            return "reading" if state.kind == "pending" else "unknown"
        if name in self.failing or (name == "git.signature" and state.value == "bad"):
            return "fails"
        if name in FREEZES and state.value is not False and not is_far(state):
            return "freeze"
        parts = [part for part, whole in PARTS.items() if whole == name]
        return "look" if any(map(self._looks, [name, *parts])) else "holds"

    def _looks(self, name: str) -> bool:
        state = self.facts.state(name)
        return name in LOOK and isinstance(state, Known) and LOOK[name](state.value)


def _value(state: FactState) -> Value | None:
    return state.value if isinstance(state, Known) else None


def label_of(name: str) -> str:
    """What a fact is called; one that a connection named, by that name."""
    if name in LABELS:
        return str(LABELS[name])
    group, _dot, rest = name.partition(".")
    family = group in SCHEMAS[CURRENT_SCHEMA].families
    return rest.replace("_", " ").capitalize() if family else name


def fact_rows(
    snapshot: Snapshot,
    before: Iterable[Snapshot],
    *,
    held: Iterable[str],
    used: Iterable[str],
    failing: Iterable[str],
    series: Mapping[str, Series] | None = None,
    silent: Mapping[str, Attempt] | None = None,
    names: Mapping[str, str] | None = None,
) -> list[FactRow]:
    """The facts of `snapshot`; changed ones against those `before`, of which the last one counts.

    `series` by fact, `silent`: who owes a fact, `names`: what the keys of connections are called.
    """
    facts = snapshot.typed
    reader = Reader(
        facts=facts,
        news={fact: old for one in before for fact, old in _news(one.typed, facts).items()},
        held=frozenset(held),
        used=frozenset(used),
        failing=frozenset(failing),
        captured_at=snapshot.captured_at,
        series=series or {},
        silent=silent or {},
        names=names or {},
    )
    listed = SCHEMAS[CURRENT_SCHEMA].only(facts.keys() | reader.used)
    return _together([reader.row(fact) for fact in listed if reader.shows(fact)])


def _together(rows: list[FactRow]) -> list[FactRow]:
    """One row for all facts of a group that are unknown for one reason and no policy reads.

    What is being read keeps its row: answers come into them without moving the page.
    """
    kept: list[FactRow] = []
    silent: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row.group, row.reason)
        if row.status != "unknown" or row.used or row.held or row.changed:
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
