"""E-mail addresses of those who made a change, as facts: nobody is left out, nobody made up."""

from collections.abc import Iterable

from policies.language.facts import Unknown

MOST_ADDRESS = 320  # an e-mail address has no more characters, and no person here such a one
NO_ADDRESS = Unknown("the commit names no address", "absent")
_NAMELESS = Unknown("a commit since what runs there now names no address", "absent")


def address(text: str) -> str:
    """An e-mail address as a fact; a hostile one is cut, so that it hides no other author."""
    text = text.strip()
    return text if len(text) <= MOST_ADDRESS else f"{text[:MOST_ADDRESS]}…"


def people(addresses: Iterable[str]) -> list[str] | Unknown:
    """Everybody's address, or why not everybody is known: one left out would be free to decide."""
    found = sorted({address(text) for text in addresses})
    return found if all(found) else _NAMELESS
