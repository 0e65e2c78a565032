"""How requests, permits and facts look: `{% load requests %}`."""

import re

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from approvals.queries import QueueRow, in_sight, sight_of
from approvals.queries.change import ChangedFile
from approvals.queries.facts import FactRow
from approvals.queries.rows import open_about, title_of
from approvals.queries.standing import state_tag
from approvals.states import Status
from policies.models import Policy
from portal.accounts.models import User
from portal.kernel.text import make_visible
from portal.templatetags.ui import icon, tag

register = template.Library()

MOST_DOTS = 6
DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{40,64}")

# key: (colour, icon), the table of the design of screens
STATES = {
    "gathering": ("info", "loader"),
    "waiting": ("warn", "clock"),
    "blocked": ("idle", "circle-question-mark"),
    "drift": ("drift", "refresh-cw"),
    "approved-by-policy": ("ok", "zap"),
    "approved": ("ok", "check"),
    "running": ("info", "play"),
    "done": ("ok", "check-check"),
    "failed": ("bad", "circle-x"),
    "denied": ("bad", "shield-ban"),
    "rejected": ("bad", "ban"),
    "expired": ("idle", "timer-off"),
    "withdrawn": ("idle", "slash"),
    "superseded": ("idle", "replace"),
    "revoked": ("idle", "undo-2"),
}
PERMIT_STATES = {
    "issued": ("info", "ticket-check", _("Issued, not used yet")),
    "running": ("info", "play", _("Running")),
    "succeeded": ("ok", "check-check", _("Succeeded")),
    "failed": ("bad", "circle-x", _("Failed")),
    "lost": ("bad", "unplug", _("Lost: the heartbeat stopped")),
    "expired": ("idle", "timer-off", _("Expired, never used")),
    "revoked": ("idle", "undo-2", _("Revoked")),
}
CHECKS = {
    "failed": ("bad", "circle-x"),
    "pending": ("info", "loader"),
    "neutral": ("idle", "circle-slash"),
    "passed": ("ok", "circle-check"),
}
FACT_STATES = {
    "holds": ("ok", "circle-check", _("holds")),
    "look": ("warn", "triangle-alert", _("look")),
    "fails": ("bad", "circle-x", _("fails")),
    "freeze": ("info", "snowflake", _("freeze")),
    "unknown": ("idle", "circle-question-mark", _("unknown")),
    "reading": ("info", "loader", _("being read")),
    "unread": ("idle", "dot", _("known; no rule reads it")),
}
PATHS = {
    "migration": _("migration"),
    "infrastructure": _("infrastructure"),
    "pipeline": _("pipeline"),
    "dependencies": _("dependencies"),
}
RULE_STATES = {
    "applies": ("info", "corner-down-right", _("applies")),
    "does_not": ("idle", "minus", _("does not apply")),
    "cannot_tell": ("warn", "circle-question-mark", _("cannot tell yet")),
}
ACTION_ICONS = {
    "deploy": "rocket",
    "apply": "layers",
    "migrate": "database",
    "rotate": "key-round",
    "delete": "trash-2",
    "publish": "package",
    "restore": "archive-restore",
    "scale": "gauge",
}
TIER_ICONS = {"production": "server", "staging": "flask-conical", "testing": "test-tube"}
EVENT_ICONS = {
    "request.submitted": "message-square-plus",
    "snapshot.captured": "camera",
    "verdict.given": "scale",
    "decision.recorded": "user-check",
    "decision.refused": "user-x",
    "request.pended": "clock",
    "request.approved": "check",
    "request.rejected": "ban",
    "request.denied": "shield-ban",
    "request.expired": "timer-off",
    "request.withdrawn": "slash",
    "request.superseded": "replace",
    "request.revoked": "undo-2",
    "drift.found": "refresh-cw",
    "permit.issued": "ticket-check",
    "permit.started": "play",
    "permit.finished": "check-check",
    "permit.lost": "unplug",
    "permit.expired": "timer-off",
}

OUTCOMES = {
    "allow": ("ok", "zap", _("Let through")),
    "review": ("warn", "clock", _("People are asked")),
    "blocked": ("idle", "circle-question-mark", _("Blocked until a fact is known")),
    "deny": ("bad", "shield-ban", _("Denied")),
}
TRUTHS = {
    "true": ("check", _("true")),
    "false": ("x", _("false")),
    "unknown": ("circle-question-mark", _("cannot be told")),
}
RISKS = {
    "high": ("bad", "chevrons-up", _("High risk")),
    "medium": ("warn", "chevron-up", _("Medium risk")),
    "low": ("idle", "minus", _("Low risk")),
}


@register.simple_tag
def state(key: str, word: str) -> SafeString:
    """The tag of a request's state. Raises KeyError for an unknown key."""
    colour, name = STATES[key]
    return tag(colour, name, word)


@register.simple_tag
def row_state(row: QueueRow) -> SafeString:
    """The tag of a row's request, as its own page shows it."""
    redeemed = row.request.status == Status.REDEEMED
    permit = row.request.permit if redeemed else None
    found = state_tag(row.request, permit, row.given, row.needed)
    return state(found.key, found.word)


@register.simple_tag
def open_request(person: User, policy: Policy) -> dict[str, str] | None:
    """The open request about a policy: its name, title and, where the person sees it, address."""
    found = open_about(policy)
    if found is None:
        return None
    url = found.get_absolute_url() if in_sight(sight_of(person), found.pk) else ""
    return {"name": str(found), "title": title_of(found), "url": url}


@register.simple_tag
def permit_state(status: str) -> SafeString:
    """The tag of a permit's status. Raises KeyError for an unknown status."""
    colour, name, word = PERMIT_STATES[status]
    return tag(colour, name, str(word))


@register.simple_tag
def fact_mark(fact: FactRow) -> SafeString:
    """The icon before a fact's name; plain where the fact is known and no rule reads it."""
    key = "unread" if fact.status == "holds" and not fact.used else fact.status
    colour, name, word = FACT_STATES[key]
    return format_html('<span class="{}">{}</span>', colour, icon(name, 14, label=str(word)))


@register.simple_tag
def fact_value(text: str) -> SafeString | str:
    """A fact's value: digests short and in mono, everything else with hidden characters shown."""
    return digest(text) if DIGEST.fullmatch(text) else make_visible(text)


@register.simple_tag
def drift_value(value: object) -> SafeString | str:
    """One side of a drift as the ledger holds it: JSON, nothing for unknown."""
    if value is None:
        return gettext("unknown")
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return make_visible(", ".join(str(item) for item in value)) or gettext("none")
    return fact_value(str(value))


@register.simple_tag
def path_tag(file: ChangedFile) -> SafeString:
    """Why a changed file should be looked at first; nothing where it need not."""
    if not file.why:
        return SafeString("")
    word = make_visible(file.rule) if file.rule else str(PATHS[file.why])
    return tag("warn", "triangle-alert", word)


@register.simple_tag
def check_mark(state: str) -> SafeString:
    """The icon before a check; its word stands beside it."""
    colour, name = CHECKS[state]
    return format_html('<span class="{} ink">{}</span>', colour, icon(name, 14))


@register.simple_tag
def permit_mark(status: str) -> SafeString:
    """The icon before an action that ran; `permit_word` says the same."""
    colour, name, _word = PERMIT_STATES[status]
    return format_html('<span class="{} ink">{}</span>', colour, icon(name, 14))


@register.simple_tag
def permit_word(status: str) -> str:
    """How the permit of an action ended."""
    return str(PERMIT_STATES[status][2])


@register.simple_tag
def rule_mark(result: str) -> SafeString:
    """The icon before a policy rule's sentence: applies, does not, cannot tell."""
    colour, name, word = RULE_STATES[result]
    return format_html('<span class="{}">{}</span>', colour, icon(name, 16, label=str(word)))


@register.simple_tag
def truth_mark(truth: str) -> SafeString:
    """Whether a definition behind a rule is true, in a word with its icon."""
    name, word = TRUTHS[truth]
    return format_html("{} {}:", icon(name, 14), word)


@register.simple_tag
def outcome_tag(outcome: str) -> SafeString:
    """The outcome of a verdict."""
    colour, name, word = OUTCOMES[outcome]
    return tag(colour, name, str(word))


@register.simple_tag
def action_icon(action: str) -> SafeString:
    """The kind of action as an icon."""
    return icon(ACTION_ICONS.get(action.split(".")[0].split("-")[0], "circle-play"))


@register.simple_tag
def event_icon(event: str) -> SafeString:
    """The icon of a line of the history."""
    return icon(EVENT_ICONS.get(event, "dot"), 14)


@register.simple_tag
def tier_tag(tier: str, word: str) -> SafeString:
    """The tier of an environment; production stands out by weight, not by a state colour."""
    name = TIER_ICONS.get(tier, "code")
    return format_html('<span class="tier {}">{} {}</span>', tier, icon(name, 12), word)


@register.simple_tag
def risk_tag(risk: str) -> SafeString:
    """The risk that policy sees; nothing where no policy speaks of it."""
    if not risk:
        return SafeString("")
    colour, name, word = RISKS[risk]
    return tag(colour, name, str(word))


@register.simple_tag
def dots(given: int, needed: int) -> SafeString:
    """One dot for each approval, filled when given; the words beside them say the same."""
    if needed > MOST_DOTS:
        return SafeString("")
    circles = [icon("circle", 12, extra="on" if n < given else "") for n in range(needed)]
    return format_html('<span class="dots">{}</span>', SafeString("".join(circles)))


@register.simple_tag
def digest(value: str) -> SafeString:
    """A commit or digest, shortened in the middle, whole on hover and in print."""
    whole = make_visible(str(value))
    algorithm, _colon, hexadecimal = whole.rpartition(":")
    if algorithm and len(hexadecimal) > 20:
        short = f"{algorithm}:{hexadecimal[:8]}…{hexadecimal[-4:]}"
    else:
        short = whole[:12] if len(whole) >= 40 and not algorithm else whole
    return format_html('<code class="digest" title="{}">{}</code>', whole, short)
