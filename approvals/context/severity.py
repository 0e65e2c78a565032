"""Which of several is the worst, in the order that people wrote down."""

from collections.abc import Iterable

from policies.language.facts import Unknown

MOST_WORDS = 30


def words_of(text: str) -> tuple[str, ...]:
    """The words of a setting like `critical, warning, info`."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def order_problem(text: str) -> str:
    """Why this is no order, as a sentence; empty when it is one."""
    words = words_of(text)
    if not 0 < len(words) <= MOST_WORDS or len(set(words)) < len(words):
        return f"Write at most {MOST_WORDS} different words with commas, the worst first."
    return ""


def worst_of(severities: Iterable[str], order: tuple[str, ...]) -> str | Unknown:
    """The worst; empty of none. A word that is not in the order could be worse than all but the
    first of it."""
    found = set(severities)
    known = [word for word in order if word in found]
    foreign = sorted(found.difference(order))
    if foreign and order[0] not in found:
        what = f"“{foreign[0]}” is not in the order of severities" if foreign[0] else "one has none"
        return Unknown(f"the worst severity cannot be told: {what}", "absent")
    return known[0] if known else ""
