"""Values of facts in words; several facts that are said in one row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from policies.freezes.state import FAR_S
from policies.language.facts import Facts, FactState, Known
from portal.kernel.clock import now
from portal.kernel.text import on_one_line
from portal.templatetags.times import clock_words, duration_words

SHOWN_ITEMS = 12
SHOWN_TEXT = 400
_MEDIANS = {
    "history.lead_time_s": _("lead time %(time)s"),
    "history.restore_time_s": _("restored in %(time)s"),
}
# Parts of a composed row that are said in it word by word.
_SAID_BESIDE = {
    "ci.state": ("ci.failed", "ci.pending"),
    "pr.number": ("pr.title",),
    "pr.review_state": ("pr.changes_requested",),
    "alerts.firing": ("alerts.worst",),
    "incident.open": ("incident.worst",),
    "deployment.sha": ("deployment.by",),
    "ops.freeze": ("ops.freeze_reason",),
    "ops.next_freeze_s": ("ops.next_freeze_reason",),
}
_NOT_PASSED = {"ci.failed": _("failed: %(names)s"), "ci.pending": _("still run: %(names)s")}


@dataclass(frozen=True)
class Said:
    """A row's value, what is said beside it, and the page of it at the forge; all but the value may
    be empty."""

    value: str
    more: str = ""
    url: str = ""


def words(state: FactState, name: str = "") -> str:
    """A fact's value as people read it; a long text is cut, and says how long it is."""
    if not isinstance(state, Known):
        return str(_("unknown"))
    value = state.value
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, tuple):
        return _listed(value)
    if name.endswith("_s") and isinstance(value, int):
        return duration_words(value)
    return cut(str(value)) if value != "" else str(_("none"))


def _listed(items: tuple[str, ...]) -> str:
    shown = ", ".join(cut(item) for item in items[:SHOWN_ITEMS])
    rest = len(items) - SHOWN_ITEMS
    if rest > 0:
        shown += ngettext(" and %(n)d more", " and %(n)d more", rest) % {"n": rest}
    return shown or str(_("none"))


def cut(text: str) -> str:
    """A text that people can read through; of a longer one the beginning and its length."""
    if len(text) <= SHOWN_TEXT:
        return text
    return _("%(text)s… (%(n)d characters)") % {"text": text[:SHOWN_TEXT], "n": len(text)}


def whole(facts: Facts, name: str) -> str:
    """All of what a row shows a beginning of only, one item a line; else empty."""
    parts = [facts.state(part) for part in (name, *_SAID_BESIDE.get(name, ()))]
    return "\n".join(filter(None, map(_whole, parts)))


def _whole(state: FactState) -> str:
    if not isinstance(state, Known):
        return ""
    if isinstance(state.value, tuple):
        cut_off = len(state.value) > SHOWN_ITEMS or any(len(i) > SHOWN_TEXT for i in state.value)
        return "\n".join(map(on_one_line, state.value)) if cut_off else ""
    text = str(state.value)
    return text if len(text) > SHOWN_TEXT else ""


def is_far(state: FactState) -> bool:
    """Whether the next freeze is so far away that there is none to speak of."""
    return isinstance(state, Known) and state.value == FAR_S


def said(facts: Facts, name: str) -> Said:
    """What the row of a fact says; some are made of several facts."""
    if name in COMPOSED and isinstance(facts.state(name), Known):
        return COMPOSED[name](facts)
    return Said(words(facts.state(name), name), url=_text(facts, LINKS.get(name, "")))


def _text(facts: Facts, name: str) -> str:
    state = facts.state(name) if name else None
    return str(state.value) if isinstance(state, Known) else ""


def _count(facts: Facts, name: str) -> int:
    state = facts.state(name)
    if not isinstance(state, Known):
        return 0
    return len(state.value) if isinstance(state.value, tuple) else int(state.value)


def _size(facts: Facts) -> Said:
    """“+182 −40 in 11 files” for the row that says how large the change is."""
    parts = [facts.state(f"git.{name}") for name in ("insertions", "deletions", "files_changed")]
    values = [int(str(part.value)) for part in parts if isinstance(part, Known)]
    if len(values) != len(parts):
        return Said(words(facts.state("git.diff_lines")))
    added, removed, files = values
    text = ngettext("+%(a)s −%(r)s in %(n)s file", "+%(a)s −%(r)s in %(n)s files", files)
    return Said(text % {"a": added, "r": removed, "n": files})


def _tip(facts: Facts) -> Said:
    """The tip of the branch, and whether it is the commit that is asked for."""
    is_head = facts.state("git.is_head")
    more = ""
    if isinstance(is_head, Known):
        more = str(_("is this commit") if is_head.value else _("is another commit"))
    return Said(words(facts.state("git.head")), more)


def _outcome(facts: Facts) -> Said:
    """How the last permit ended, and how many there were in a week."""
    permits, failed = facts.state("history.deploys_7d"), _count(facts, "history.failures_7d")
    more = []
    if isinstance(permits, Known):
        n = _count(facts, "history.deploys_7d")
        more.append(ngettext("%(n)d permit in 7 days", "%(n)d permits in 7 days", n) % {"n": n})
    if failed:
        more.append(ngettext("%(n)d failed", "%(n)d failed", failed) % {"n": failed})
    return Said(words(facts.state("history.last_outcome")), ", ".join(more))


def _month(facts: Facts) -> Said:
    """How often, how well and how fast in thirty days, as far as it was measured."""
    more = []
    rate = facts.state("history.failure_rate_30d")
    if isinstance(rate, Known) and not isinstance(rate.value, tuple | str):
        more.append(_("%(percent)s %% failed") % {"percent": f"{float(rate.value) * 100:.3g}"})
    for name, text in _MEDIANS.items():
        if isinstance(facts.state(name), Known):
            more.append(text % {"time": words(facts.state(name), name)})
    return Said(words(facts.state("history.deploys_30d")), " · ".join(more))


def _freeze(facts: Facts) -> Said:
    return _freeze_words(facts, "ops.freeze", "ops.freeze_ends_s", "ops.freeze_reason")


def _next_freeze(facts: Facts) -> Said:
    name = "ops.next_freeze_s"
    return _freeze_words(facts, name, name, "ops.next_freeze_reason")


def _freeze_words(facts: Facts, name: str, seconds: str, reason: str) -> Said:
    """“Year end, until 2 Jan 08:00”: the freeze in force, or the next one and when it begins."""
    state, until, why = facts.state(name), facts.state(seconds), facts.state(reason)
    if not (isinstance(until, Known) and isinstance(why, Known)) or not why.value:
        return Said(str(_("none in the next two years")) if is_far(state) else words(state, name))
    moment = until.observed_at + timedelta(seconds=int(str(until.value)))
    running = name == "ops.freeze"
    text = _("%(reason)s, until %(moment)s") if running else _("%(reason)s, from %(moment)s")
    return Said(text % {"reason": cut(str(why.value)), "moment": clock_words(moment, now())})


def _running(facts: Facts) -> Said:
    """What runs there now, and for how long."""
    since = facts.state("history.running_since_s")
    more = ""
    if isinstance(since, Known):
        more = _("for %(time)s") % {"time": words(since, "history.running_since_s")}
    return Said(words(facts.state("history.running_commit")), more)


def _checks(facts: Facts) -> Said:
    """“14 of 14 passed”; those that failed or still run by name."""
    total = facts.state("ci.total")
    url = _text(facts, "git.url")
    if not isinstance(total, Known):
        return Said(words(facts.state("ci.state")), url=url)
    counts = {"n": _count(facts, "ci.passed"), "all": total.value}
    named = [
        text % {"names": words(facts.state(name))}
        for name, text in _NOT_PASSED.items()
        if _count(facts, name)
    ]
    return Said(_("%(n)s of %(all)s passed") % counts, " · ".join(named), url)


def _pull_request(facts: Facts) -> Said:
    """Number and title, with its page."""
    number = f"#{words(facts.state('pr.number'))}"
    title = facts.state("pr.title")
    text = f"{number} {words(title)}" if isinstance(title, Known) else number
    return Said(text, url=_text(facts, "pr.url"))


def _reviews(facts: Facts) -> Said:
    """How many approve and who asks for changes."""
    more = []
    if n := _count(facts, "pr.approvals"):
        more.append(ngettext("%(n)d approves", "%(n)d approve", n) % {"n": n})
    if _count(facts, "pr.changes_requested"):
        names = words(facts.state("pr.changes_requested"))
        more.append(_("changes asked for by %(names)s") % {"names": names})
    value = words(facts.state("pr.review_state")).replace("_", " ")
    return Said(value, " · ".join(more))


def _alerts(facts: Facts) -> Said:
    return _burning(facts, "alerts.firing", "alerts.worst")


def _incidents(facts: Facts) -> Said:
    found = _burning(facts, "incident.open", "incident.worst")
    age = facts.state("incident.oldest_age_s")
    if not isinstance(age, Known) or not age.value:
        return found
    oldest = _("oldest since %(time)s") % {"time": words(age, "incident.oldest_age_s")}
    return Said(found.value, " · ".join(filter(None, [found.more, oldest])))


def _burning(facts: Facts, name: str, worst: str) -> Said:
    severity = _text(facts, worst)
    more = _("worst: %(severity)s") % {"severity": cut(severity)} if severity else ""
    return Said(words(facts.state(name)), more)


def _deployment(facts: Facts) -> Said:
    """The forge's last deployment: its state, how long ago, by whom."""
    age, by = facts.state("deployment.age_s"), _text(facts, "deployment.by")
    more = [_text(facts, "deployment.state")]
    if isinstance(age, Known):
        more.append(_("%(time)s ago") % {"time": words(age, "deployment.age_s")})
    if by:
        more.append(_("by %(who)s") % {"who": cut(by)})
    return Said(words(facts.state("deployment.sha")), " · ".join(filter(None, more)))


# Rows whose value is made of several facts.
COMPOSED: Mapping[str, Callable[[Facts], Said]] = {
    "git.head": _tip,
    "git.diff_lines": _size,
    "ops.freeze": _freeze,
    "ops.next_freeze_s": _next_freeze,
    "history.running_commit": _running,
    "history.last_outcome": _outcome,
    "history.deploys_30d": _month,
    "ci.state": _checks,
    "pr.number": _pull_request,
    "pr.review_state": _reviews,
    "alerts.firing": _alerts,
    "incident.open": _incidents,
    "deployment.sha": _deployment,
}
# What such a row says besides: no row of its own, unless policy reads it or the row has no value.
PARTS: Mapping[str, str] = {
    "git.is_head": "git.head",
    "git.files_changed": "git.diff_lines",
    "git.insertions": "git.diff_lines",
    "git.deletions": "git.diff_lines",
    "history.running_since_s": "history.running_commit",
    "history.deploys_7d": "history.last_outcome",
    "history.failures_7d": "history.last_outcome",
    "history.failure_rate_30d": "history.deploys_30d",
    "history.lead_time_s": "history.deploys_30d",
    "history.restore_time_s": "history.deploys_30d",
    "ci.failed": "ci.state",
    "ci.pending": "ci.state",
    "ci.passed": "ci.state",
    "ci.total": "ci.state",
    "pr.title": "pr.number",
    "pr.url": "pr.number",
    "pr.approvals": "pr.review_state",
    "pr.approvers": "pr.review_state",
    "pr.changes_requested": "pr.review_state",
    "alerts.count": "alerts.firing",
    "alerts.worst": "alerts.firing",
    "incident.count": "incident.open",
    "incident.worst": "incident.open",
    "incident.oldest_age_s": "incident.open",
    "deployment.state": "deployment.sha",
    "deployment.age_s": "deployment.sha",
    "deployment.by": "deployment.sha",
    "git.url": "git.subject",
    "git.message": "git.subject",
}
LINKS: Mapping[str, str] = {"git.subject": "git.url"}
