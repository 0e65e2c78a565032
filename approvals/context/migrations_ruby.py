"""What migrations of Rails would drop or lock, told from their lines.

Going back counts too: whether `down` is run nobody can tell without running Ruby.
"""

import re
from collections.abc import Iterator

from approvals.context.migrations_sql import MOST, Findings, cut, read_sql

_DROPS = re.compile(
    r"\b(?:drop_\w+|remove_(?:columns?|reference|belongs_to|timestamps|index|foreign_key"
    r"|\w+_constraint)|truncate\w*|[A-Z]\w*\.(?:delete|destroy)_all)\b|\bt\.remove\w*"
)
_LOCKS = re.compile(
    r"\b(?:add_(?:index|foreign_key|reference|belongs_to|\w+_constraint)"
    r"|change_column|change_column_null)\b(?P<rest>.*)",
    re.DOTALL,
)
_LIGHT = re.compile(r":concurrently\b|\bvalidate(?:: |\s*=>\s*)false")
_MADE = re.compile(r"\bcreate_table\b\s{0,9}\(?\s{0,9}[:\"'](\w+)")
_ABOUT = re.compile(r"\s{0,9}\(?\s{0,9}[:\"'](\w+)")
_SQL = re.compile(
    r"\b(?:execute|exec_(?:query|update|delete))\b[ \t]{0,9}\(?\s{0,99}"
    r"(?:\"(?P<double>(?:[^\"\\]|\\.)*)\"|'(?P<single>(?:[^'\\]|\\.)*)'"
    r"|<<[~-]?['\"]?(?P<mark>\w+)['\"]?[^\n]*\n(?P<text>.*?)^[ \t]*(?P=mark)\b|)",
    re.DOTALL | re.MULTILINE,
)
_HIDES = re.compile(r"\b(?:public_send|__send__|send|\w*eval|load|require_relative)\b")


def read_ruby(text: str) -> Findings:
    """What the migration drops and locks."""
    found = Findings()
    made: set[str] = set()
    for statement in _statements(text):
        head = cut(statement, 0, len(statement))
        if "if_not_exists" not in statement:
            made |= {name.lower() for name in _MADE.findall(statement)}
        if _DROPS.search(statement):
            found.add(Findings(drops=[head]))
        if _locks(statement, made):
            found.add(Findings(locks=[head]))
        if _HIDES.search(statement):
            found.add(Findings(unclear=[f"what it runs is decided at run time: {head}"]))
    for count, call in enumerate(_SQL.finditer(text)):
        if count == MOST:
            found.add(Findings(unclear=["more SQL than is read"]))
            break
        found.add(_sql(call, text))
    return found


def _statements(text: str) -> Iterator[str]:
    """What stands between two ends of a statement; lines that are comments are left out."""
    parts: list[str] = []
    for line in text.split("\n"):
        if line.lstrip().startswith("#"):
            continue
        for piece in line.split(";"):
            parts.append(piece)
            if not piece.rstrip().endswith((",", "(", "\\")):
                yield "\n".join(parts)
                parts = []
    yield "\n".join(parts)


def _locks(statement: str, made: set[str]) -> bool:
    call = _LOCKS.search(statement)
    if call is None or _LIGHT.search(statement):
        return False
    about = _ABOUT.match(call["rest"])
    if about and about[1].lower() in made:
        return False
    return "change_column_null" not in statement or "false" in statement


def _sql(call: re.Match[str], text: str) -> Findings:
    literal = call["single"]
    if literal is None:
        literal = call["double"] if call["double"] is not None else call["text"]
        if literal is not None and "#{" in literal:
            literal = None
    if literal is None:
        return Findings(unclear=[f"SQL made at run time: {cut(text, call.start(), len(text))}"])
    return read_sql(literal)
