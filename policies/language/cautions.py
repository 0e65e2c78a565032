"""What a document may say, but its author should know: no mistakes, nothing is refused for them."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator

from policies.language.document import PolicyDocument
from policies.language.problems import Problem

Found = tuple[str, str]

_YET = "It is stored and shown, but this version of the portal does not act on it yet."
_OFF = "mode: off: nothing of this policy counts; it is as if it were not in force."
_SHADOW = (
    "mode: shadow: it is judged and recorded on live requests, and binds nobody. What no other"
    " policy matches is denied."
)
_ITSELF = (
    "self_approval: true: whoever asked for, wrote or started the change may approve it, where"
    " every rule that asks allows it."
)


def cautions_of(document: PolicyDocument, text: str) -> tuple[Problem, ...]:
    """The cautions of a document that was read from `text`, in its order."""
    return _placed(text, (found for caution in _CAUTIONS for found in caution(document)))


def not_given(document: PolicyDocument, text: str, given: frozenset[str]) -> tuple[Problem, ...]:
    """The same of facts that it reads and a connection would have to name, where none does.

    `given`: the names that connections give where the policy applies.
    """
    return _placed(text, (_unnamed(name, given) for name in document.reads_named - given))


def _placed(text: str, found: Iterable[Found]) -> tuple[Problem, ...]:
    lines = [_without_comment(line) for line in text.split("\n")]
    return tuple(sorted({Problem(*_place(lines, pattern), said) for pattern, said in found}))


def _unnamed(name: str, given: frozenset[str]) -> Found:
    first, _, rest = name.partition(".")
    rests = {one.partition(".")[2]: one for one in sorted(given)}
    near = difflib.get_close_matches(rest, rests, n=1)
    return (
        rf"\b{first}\s*\.\s*{rest}\b",
        f"No connection that you may see gives {name} where this policy applies; while none does,"
        " it is unknown" + (f". Did you mean {rests[near[0]]}?" if near else "."),
    )


def _mode(document: PolicyDocument) -> Iterator[Found]:
    if document.mode != "enforce":
        yield r"^mode\s*:", _OFF if document.mode == "off" else _SHADOW


def _self_approval(document: PolicyDocument) -> Iterator[Found]:
    asked = [rule.requirement for rule in document.rules if rule.requirement]
    asked += [document.default, *(one for _, one in document.on_unavailable)]
    if any(one.self_approval for one in asked):
        yield r"\bself_approval\s*:\s*true\b", _ITSELF


def _not_yet(document: PolicyDocument) -> Iterator[Found]:
    for key in ("break_glass", "escalate"):
        if getattr(document, key):
            yield rf"^{key}\s*:", f"{key}: {_YET}"


def _on_unavailable(document: PolicyDocument) -> Iterator[Found]:
    if document.on_unavailable:
        names = ", ".join(name for name, _ in document.on_unavailable)
        yield (
            r"^on_unavailable\s*:",
            f"on_unavailable: while {names} is not to be had, people are asked where a rule would"
            " otherwise block. It is the one place where knowing less asks for less.",
        )


def _untested(document: PolicyDocument) -> Iterator[Found]:
    if not document.tests:
        yield r"^policy\s*:", "It has no tests: nothing shows what it was meant to say."


_CAUTIONS: tuple[Callable[[PolicyDocument], Iterator[Found]], ...] = (
    _mode,
    _self_approval,
    _not_yet,
    _on_unavailable,
    _untested,
)


def _without_comment(line: str) -> str:
    return re.split(r"(?:^|\s)#", line, maxsplit=1)[0]


def _place(lines: list[str], pattern: str) -> tuple[int, int]:
    """Line and column where it is said first; the document's beginning where that is not plain."""
    for number, line in enumerate(lines, start=1):
        if found := re.search(pattern, line):
            return number, found.start() + 1
    return 1, 1
