"""Headers of answers that say where to go on: who signs in where, and what page comes next."""

import re

MOST = 4_000
_VALUE = re.compile(
    r'[\s,]*(?:([A-Za-z]+)\s+)?([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))'
)
_LINK = re.compile(r"[\s,]*<([^<>]*)>((?:\s*;[^,<]*)*)")
_NEXT = re.compile(
    r';\s*rel\s*=\s*(?:next|"(?:[^"]*\s)?next(?:\s[^"]*)?")\s*(?:;|$)', re.IGNORECASE
)


def challenges(header: str) -> dict[str, dict[str, str]]:
    """Parameters by scheme, both in lower case, of `WWW-Authenticate`; the first of each counts."""
    found: dict[str, dict[str, str]] = {}
    scheme = ""
    for part in _VALUE.finditer(header[:MOST]):
        named, name, quoted, plain = part.groups()
        scheme = named.lower() if named else scheme
        text = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        found.setdefault(scheme, {}).setdefault(name.lower(), text)
    return found


def next_page(header: str) -> str:
    """The address that `Link` calls the next page; empty when there is none."""
    for target, parameters in _LINK.findall(header[:MOST]):
        if _NEXT.search(parameters):
            return str(target)
    return ""
