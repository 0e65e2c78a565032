"""Which words of one SQL statement drop something, hold a table locked, or hide what they do."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# What a name of a thing may not be taken for, and where a DELETE certainly ends.
_BEGINS = frozenset(
    {"DELETE", "UPDATE", "INSERT", "SELECT", "MERGE", "DROP", "ALTER", "CREATE", "TRUNCATE",
     "BEGIN", "END", "EXEC", "EXECUTE", "GRANT", "IF"}
)  # fmt: skip
_NO_DROP = frozenset({"DEFAULT", "NOT", "EXPRESSION", "IDENTITY", "ON", ","})
_NO_DELETE_AFTER = frozenset(
    {"ON", "BEFORE", "AFTER", "OR", "OF", "FOR", "INSTEAD", "THEN", "GRANT", "REVOKE", ","}
)
_STAYS = frozenset({"SET", "DROP", "ADD", "RESTART", "RESET"})
_HEAVY = frozenset(
    {"CHECK", "FOREIGN", "UNIQUE", "PRIMARY", "EXCLUDE", "CONSTRAINT", "INDEX", "KEY", "FULLTEXT",
     "SPATIAL", "REFERENCES", "GENERATED", "SERIAL", "BIGSERIAL"}
)  # fmt: skip
_NO_RUN = frozenset({"FUNCTION", "PROCEDURE", "ON", ",", "AS"})

LOOK_AHEAD = 300  # words: without an end, a file of nothing but DELETE would take for ever


@dataclass(frozen=True, slots=True)
class Word:
    """One word or sign. `say` is upper case, and empty for quoted names and for texts."""

    say: str
    text: str
    start: int
    end: int


Words = Sequence[Word]


def drops(words: Words) -> list[int]:
    """Where something is dropped, emptied, or deleted without a condition."""
    says = [word.say for word in words]
    return [at for at in range(len(says)) if _drops_at(says, at)]


def _drops_at(says: list[str], at: int) -> bool:
    before, say, after = _say(says, at - 1), says[at], _say(says, at + 1)
    if say == "DROP":
        return before != "COMMIT" and after not in _NO_DROP
    if say == "TRUNCATE":
        return after not in {"(", "ON", ","}
    if say == "DELETE":
        really = before not in _NO_DELETE_AFTER and after not in {"ON", "OR", ","}
        return really and not _has_condition(says, at + 1)
    return False


def _has_condition(says: list[str], at: int) -> bool:
    """Whether the DELETE that goes on here has a WHERE that can be false."""
    depth = 0
    for place in range(at, min(at + LOOK_AHEAD, len(says))):
        say = says[place]
        depth += (say == "(") - (say == ")")
        if depth < 0 or (depth == 0 and say in _BEGINS):
            return False
        if depth == 0 and say == "WHERE":
            left, sign, right = (_say(says, place + step) for step in (1, 2, 3))
            return left != "TRUE" and not (sign == "=" and left == right != "")
    return False


def locks(words: Words, made: set[str]) -> list[int]:
    """Where a table is locked for as long as its rows are read or written again.

    `made` are tables that were made before, and so are empty: nobody waits for them. What this
    statement makes is added.
    """
    says = [word.say for word in words]
    altered = ""
    found = []
    for at, say in enumerate(says):
        if say == "TABLE" and "CREATE" in says[max(0, at - 3) : at]:
            if _say(says, at + 1) != "IF":
                made.add(_name(words, at + 1))
        elif say == "TABLE" and "ALTER" in says[max(0, at - 2) : at]:
            altered = _name(words, at + 1)
        elif (
            (say == "INDEX" and _makes_index(says, at) and _indexed(words, at) not in made)
            or (altered and altered not in made and _changes_rows(says, at))
            or _locks_itself(says, at)
        ):
            found.append(at)
    return found


def _makes_index(says: list[str], at: int) -> bool:
    return "CREATE" in says[max(0, at - 4) : at] and _say(says, at + 1) != "CONCURRENTLY"


def _changes_rows(says: list[str], at: int) -> bool:
    """Whether an action of ALTER TABLE begins here that reads or writes every row."""
    say, rest = says[at], says[at + 1 : at + 6]
    if say == "ALTER" and rest[:1] != ["TABLE"]:
        has_column = rest[:1] == ["COLUMN"]
        rest = rest[2:] if has_column else rest[1:]
        if rest[:1] == ["TYPE"] or rest[:2] in (["SET", "DATA"], ["SET", "NOT"]):
            return True
        return has_column and bool(rest) and rest[0] not in _STAYS
    if say == "ADD":
        return _adds_heavily(_action(says, at + 1))
    if say == "SET":
        return rest[:1] in (["LOGGED"], ["UNLOGGED"], ["TABLESPACE"])
    return say in {"MODIFY", "CHANGE"}


def _adds_heavily(rest: list[str]) -> bool:
    if _follow(rest, "NOT", "VALID") or _follow(rest, "USING", "INDEX"):
        return False
    named = rest[:1] == ["COLUMN"] or (bool(rest) and rest[0] not in _HEAVY)
    if named:  # the name itself may be a word such as `key`
        rest = [say for say in rest if say not in {"COLUMN", "IF", "EXISTS"}][1:]
    return len(rest) > LOOK_AHEAD // 2 or not _HEAVY.isdisjoint(rest)


def _action(says: list[str], at: int) -> list[str]:
    """The words up to the comma that ends one action of ALTER TABLE."""
    ahead = says[at : at + LOOK_AHEAD]
    depth = 0
    for place, say in enumerate(ahead):
        depth += (say == "(") - (say == ")")
        if depth == 0 and say == ",":
            return ahead[:place]
    return ahead


def _locks_itself(says: list[str], at: int) -> bool:
    say, after = says[at], says[at + 1 : at + 8]
    if say == "LOCK":
        return after[:1] in (["TABLE"], ["TABLES"]) or (at == 0 and after[:1] != ["="])
    if say == "VACUUM":
        return "FULL" in after
    if at == 0 and say in {"REINDEX", "REFRESH"}:
        return "CONCURRENTLY" not in says
    return at == 0 and (say == "CLUSTER" or (say == "OPTIMIZE" and after[:1] == ["TABLE"]))


def made_at_run_time(words: Words) -> list[int]:
    """Where SQL is run that is put together only then, or a template is filled in."""
    says = [word.say for word in words]
    return [at for at in range(len(says)) if _made_at(says, at)]


def _made_at(says: list[str], at: int) -> bool:
    before, say, after = _say(says, at - 1), says[at], _say(says, at + 1)
    if say in {"EXEC", "EXECUTE"}:
        return before != "GRANT" and after not in _NO_RUN
    return say in {"PREPARE", "{%"} or (say == "{" and after == "{")


def _indexed(words: Words, at: int) -> str:
    """The table that an index is made on."""
    for place in range(at + 1, min(at + 12, len(words))):
        if words[place].say == "ON":
            return _name(words, place + 1)
    return ""


def _name(words: Words, at: int) -> str:
    """The dotted name that begins here; unquoted parts in lower case, as most databases do."""
    while at < len(words) and words[at].say in {"IF", "NOT", "EXISTS", "ONLY"}:
        at += 1
    name = ""
    for place in range(at, len(words)):
        if (place - at) % 2 and words[place].say != ".":
            break
        name += words[place].say.lower() or words[place].text
    return name


def _follow(says: list[str], first: str, second: str) -> bool:
    return (first, second) in pairwise(says)


def _say(says: list[str], at: int) -> str:
    return says[at] if 0 <= at < len(says) else ""
