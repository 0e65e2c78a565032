"""Connected sources: those of the portal, and those that installed packages bring.

A package names them under the entry point group `countersign.sources`.
"""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract

from approvals.context.connected import ConnectedSource
from approvals.context.source import Source
from policies.language.schema import CURRENT_SCHEMA, SCHEMAS

GROUP = "countersign.sources"
LONGEST_BUDGET = 60.0
RESERVED = frozenset({"name", "environment", "private"})  # what the form of every connection asks
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

Found = tuple[Mapping[str, ConnectedSource], tuple[str, ...]]


class Unusable(Exception):
    """A class that is no source, or none that can stand beside the others; the words say why."""


def installed_sources(ours: Iterable[type[ConnectedSource]], plain: Iterable[Source]) -> Found:
    """Every connected source by name, and a sentence for each that cannot be used."""
    sources: dict[str, ConnectedSource] = {}
    problems: list[str] = []
    own = list(plain)
    told = {fact.group for source in own if source.at_hand for fact in source.fact_types()}
    taken = {source.name for source in own}
    for found in ours:
        sources[found.name] = found()
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.value, entry.name)):
        try:
            source = _checked(_load(entry), taken | set(sources), told)()
        except Unusable as why:
            problems.append(f"The source {entry.name} = {entry.value} cannot be used: {why}.")
        else:
            sources[source.name] = source
    return sources, tuple(problems)


def _load(entry: EntryPoint) -> object:
    try:
        return entry.load()
    except Exception as error:  # a package may fail in any way while it is imported
        raise Unusable(f"it cannot be imported ({type(error).__name__}: {error})") from error


def _checked(found: object, taken: set[str], told: set[str]) -> type[ConnectedSource]:
    """The class, when it is a source that can be used. Raises Unusable."""
    if not (isinstance(found, type) and issubclass(found, ConnectedSource)):
        raise Unusable("it is no subclass of ConnectedSource")
    if isabstract(found):
        raise Unusable(f"it does not define {' and '.join(sorted(found.__abstractmethods__))}")
    missing = [name for name in ("name", "title", "gives") if not hasattr(found, name)]
    if missing:
        raise Unusable(f"it has no {' and no '.join(missing)}")
    if not _NAME.fullmatch(found.name):
        raise Unusable(f"its name “{found.name}” is not made of small letters, digits and _")
    if found.name in taken:
        raise Unusable(f"the name “{found.name}” is taken")
    if not 0 < found.budget <= LONGEST_BUDGET:
        raise Unusable(f"its budget is not between 0 and {LONGEST_BUDGET:g} seconds")
    _check_groups(found.gives, told)
    _check_fields(found)
    return found


def _check_groups(gives: Iterable[str], told: set[str]) -> None:
    schema = SCHEMAS[CURRENT_SCHEMA]
    for given in gives:
        group = given.partition(".")[0]
        if group in told:
            raise Unusable(f"the facts {group}.* are told by the portal itself")
        if given not in (schema if "." in given else schema.words):
            raise Unusable(f"there are no facts {given}{'' if '.' in given else '.*'}")


def _check_fields(found: type[ConnectedSource]) -> None:
    names = [field.name for field in found.fields]
    if len(set(names)) != len(names):
        raise Unusable("two of its fields have the same name")
    bad = [name for name in names if not _NAME.fullmatch(name) or name in RESERVED]
    if bad:
        raise Unusable(f"a field cannot be named “{bad[0]}”")
