"""One more approval where somebody wrote the change whom the portal cannot tell from who decides.

A forge names the account that wrote a commit. Where no person here is behind it, it may be one of
those who are asked, so each rule that asks people asks one more. Pure, and told by one fact.
"""

from collections.abc import Iterable
from dataclasses import replace

from policies.language.facts import Facts, Known
from policies.language.verdict import Extra, Obligation

UNKNOWN_AUTHORS = "authors.unknown"


def extra_for(facts: Facts, obligations: Iterable[Obligation]) -> Extra | None:
    """None where all authors are known, where no forge tells of any, and where nobody is asked.

    Authors who may approve themselves need not be told from others.
    """
    state = facts.get(UNKNOWN_AUTHORS)
    if state is None or all(one.asked.self_approval for one in obligations):
        return None
    if isinstance(state, Known):
        return Extra(1, _sentence(state.value)) if state.value else None
    if state.kind != "unavailable":
        return None
    return Extra(
        1,
        "Who wrote the change at the forge cannot be read, so each rule asks one approval more.",
    )


def with_extra(obligations: Iterable[Obligation], extra: Extra | None) -> tuple[Obligation, ...]:
    """The obligations with what is asked besides."""
    if extra is None:
        return tuple(obligations)
    return tuple(
        replace(one, asked=replace(one.asked, count=one.asked.count + extra.approvals))
        for one in obligations
    )


def _sentence(authors: object) -> str:
    who = "1 author" if authors == 1 else f"{authors} authors"
    verb = "is" if authors == 1 else "are"
    return f"{who} of the change {verb} linked to nobody here, so each rule asks one approval more."
