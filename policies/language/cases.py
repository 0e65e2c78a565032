"""Reading the tests inside a document."""

from collections.abc import Iterable

from policies.language.document import Case, RiskLevel
from policies.language.facts import FactValueError, Value, check_value, read_plain
from policies.language.nodes import Mapping, Scalar, Sequence, YamlNode
from policies.language.reader import Reader
from policies.language.schema import FactType
from policies.language.verdict import Outcome

KEYS = ("name", "given", "expect")
EXPECT_KEYS = ("verdict", "because", "risk", "valid_for")
OUTCOMES = tuple(outcome.value for outcome in Outcome)
RISK_WORDS: tuple[RiskLevel, ...] = ("high", "medium", "low")
MAX_CASES = 200
MAX_NAME = 200


def read_cases(node: YamlNode | None, reader: Reader) -> tuple[Case, ...]:
    """The tests that could be read; mistakes are in the report."""
    items = reader.report.items(node, "tests") if node else ()
    if node and len(items) > MAX_CASES:
        reader.report.add(node, f"too many tests; at most {MAX_CASES}")
        reader.report.finish()
    found = [_read_case(item, reader) for item in items]
    return tuple(case for case in found if case is not None)


def _read_case(node: YamlNode, reader: Reader) -> Case | None:
    report = reader.report
    fields = report.mapping(node, "a test", KEYS)
    missing = [key for key in KEYS if key not in fields]
    if missing:
        report.add(node, f"a test has no {' and no '.join(missing)}")
        return None
    name = report.scalar(fields["name"], "the name of a test")
    expect = report.mapping(fields["expect"], "expect", EXPECT_KEYS)
    if "verdict" not in expect:
        report.add(fields["expect"], "expect has no 'verdict': allow, review, blocked or deny")
        return None
    if name is None or len(name.value) > MAX_NAME:
        report.add(fields["name"], f"the name of a test has at most {MAX_NAME} characters")
        return None
    risk, valid_for = expect.get("risk"), expect.get("valid_for")
    return Case(
        name=name.value,
        line=node.line,
        column=node.column,
        given=tuple(_given(fields["given"], reader)),
        verdict=report.choice(expect["verdict"], "verdict", OUTCOMES) or "",
        because=_because(expect.get("because"), reader),
        risk=report.choice(risk, "risk", RISK_WORDS) if risk else None,
        valid_for=report.seconds(valid_for, "valid_for", "10s", "7d") if valid_for else None,
    )


def _because(node: YamlNode | None, reader: Reader) -> tuple[str, ...] | None:
    if node is None:
        return None
    if isinstance(node, Sequence) and not node.items:
        return ()
    return reader.rule_ids(node, "because")


def _given(node: YamlNode, reader: Reader) -> Iterable[tuple[str, Value | None]]:
    if isinstance(node, Mapping) and not node.entries:
        return
    for key, value in reader.report.entries(node, "given"):
        fact = reader.fact(key)
        if fact is None:
            continue
        try:
            yield fact.name, _value(fact, value)
        except FactValueError as error:
            reader.report.add(value, f"{fact.name} {error.sentence}")


def _value(fact: FactType, node: YamlNode) -> Value | None:
    """The value as the fact holds it. Raises FactValueError."""
    if isinstance(node, Sequence):
        items = [item.value if isinstance(item, Scalar) else None for item in node.items]
        return check_value(fact, items)
    if not isinstance(node, Scalar):
        raise FactValueError(fact.name, "must be a value, a list or ~ for unknown")
    if node.style is None and node.value in {"~", ""}:
        return None
    return read_plain(fact, node.value)
