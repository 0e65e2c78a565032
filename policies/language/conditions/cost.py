"""What a condition can cost at most, with the largest facts that the door lets in.

An estimate in nanoseconds of a common core, high rather than low. Memory is in it: what `+` puts
together stays until the condition is answered, so every character of it counts as five. The engine
stops by itself after 10,000 steps of loops, whatever a step is.
"""

from dataclasses import dataclass

from policies.language.conditions.patterns import branches, program_size
from policies.language.conditions.tree import Call, Constant, Items, Loop, Name, Node, children
from policies.language.facts import MAX_ITEMS, MAX_LIST_CHARACTERS, MAX_STRING
from policies.language.schema import Schema

#: Of all conditions of a document together.
MAX_COST = 150_000_000

_MAX_STEPS = 10_000
_CONDITION, _NODE, _HANDED_OVER = 50_000, 150, 500_000
_COPIED_CHARACTER, _COPIED_ITEM, _COMPARED_ITEM = 5, 100, 10
_PATH, _SEGMENT = 1_000, 15
_SCANNED, _BRANCH, _REGEX_PART = 10, 30, 10_000


@dataclass(frozen=True, slots=True)
class _Size:
    """At most so many items (of a list) and characters (of a text, or of all items)."""

    items: int = 0
    characters: int = 0

    def __add__(self, other: "_Size") -> "_Size":
        return _Size(self.items + other.items, self.characters + other.characters)


_LARGEST = {"string": _Size(0, MAX_STRING), "list": _Size(MAX_ITEMS, MAX_LIST_CHARACTERS)}
_NOTHING = _Size()


def worst_cost(tree: Node, schema: Schema, reads: frozenset[str]) -> int:
    """Of answering the condition once; `reads` are the facts it names."""
    meter = _Meter(schema)
    meter.measure(tree, 1, {})
    lists = sum(schema[name].kind == "list" for name in reads)
    return _CONDITION + lists * _HANDED_OVER + meter.cost


class _Meter:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self.cost = 0

    def measure(self, node: Node, times: int, variables: dict[str, _Size]) -> _Size:
        """The size of what a node gives; adds up the cost of working it out `times` times."""
        self.cost += times * _NODE
        if isinstance(node, Loop):
            self._loop(node, times, variables)
            return _NOTHING
        sizes = [self.measure(part, times, variables) for part in children(node)]
        match node:
            case Constant(value=str() as text):
                return _Size(0, len(text))
            case Name(name=name) if name in variables:
                return variables[name]
            case Name(name=name) if name in self._schema:
                return _LARGEST.get(self._schema[name].kind, _NOTHING)
            case Items():
                self.cost += times * _COPIED_ITEM * len(sizes)
                return sum(sizes, _Size(len(sizes)))
            case Call():
                self.cost += times * _call_cost(node, sizes)
                if node.function == "matches":
                    self.cost += program_size(_literal(node)) * _REGEX_PART
                return _result(node, sizes)
        return _NOTHING

    def _loop(self, node: Loop, times: int, variables: dict[str, _Size]) -> None:
        items = self.measure(node.items, times, variables)
        lists = items.items if "list(list" in node.items.type else 0
        if variables or lists:
            # The items of a list are many or long; in a loop inside a loop, those may be all.
            inside = {
                n: _Size(v.items, max(v.characters, MAX_STRING)) for n, v in variables.items()
            }
            longest = MAX_STRING if isinstance(node.items, Name) else items.characters
            inside[node.variable] = _Size(lists, longest)
        else:
            inside = {node.variable: _Size(0, items.characters // max(items.items, 1) + 1)}
        self.measure(node.body, min(times * items.items, _MAX_STEPS), inside)


def _result(node: Call, sizes: list[_Size]) -> _Size:
    if node.type in {"bool", "int", "double"}:
        return _NOTHING
    if node.function == "_+_":
        return sizes[0] + sizes[1]
    return _Size(max(size.items for size in sizes), max(size.characters for size in sizes))


def _call_cost(node: Call, sizes: list[_Size]) -> int:
    size = sum(sizes, _NOTHING)
    match node.function, sizes:
        case "_+_", _ if node.type == "string":
            return size.characters * _COPIED_CHARACTER
        case "_+_", _:
            return size.items * _COPIED_ITEM
        case "matches", [text, _]:
            return text.characters * (_SCANNED + _BRANCH * branches(_literal(node)))
        case "matches_path", [paths, _]:
            looked_for = paths.characters * _SEGMENT * _longest_middle(_literal(node))
            return (paths.items + 1) * _PATH + looked_for
        case "contains", [text, part]:
            literal = isinstance(node.arguments[1], Constant)
            return text.characters * (part.characters if literal else MAX_STRING) // 200
        case "_?_:_" | "_&&_" | "_||_" | "!_" | "_[_]", _:
            return 0
    return size.items * _COMPARED_ITEM + size.characters // 32


def _literal(node: Call) -> str:
    pattern = node.arguments[-1]
    return str(pattern.value) if isinstance(pattern, Constant) else ""


def _longest_middle(glob: str) -> int:
    """The most segments between two `**`: those are looked for at every place of a path."""
    middle = f"/{glob}/".split("/**/")[1:-1]
    return 1 + max((chunk.count("/") + 1 for chunk in middle), default=0)
