"""Reading the rules of a policy document."""

import re
from collections.abc import Mapping

from policies.language.conditions import Compiler, Condition, ConditionError, Mistake
from policies.language.document import DEFAULT_RULE, Effect, Requirement, Rule
from policies.language.fields import Report
from policies.language.lint import Linter
from policies.language.nodes import Scalar, YamlNode
from policies.language.schema import Schema
from policies.language.template import Template, TemplateError, read_template

EFFECTS: tuple[Effect, ...] = ("deny", "require", "approve")
KEYS = ("id", "when", *EFFECTS)
LATER_KEYS = ("level", "limit", "note")
REQUIRE_KEYS = ("count", "from")
LATER_REQUIRE_KEYS = ("self_approval", "including", "sequence", "distinct_across")

MAX_RULES = 200
MAX_COUNT = 20

_RULE_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

_NOTHING = Requirement(0, ())


def read_requirement(node: YamlNode | None, owner: str, report: Report) -> Requirement:
    """`{count: 1, from: [group]}`."""
    if node is None:
        return _NOTHING
    what = f"require of '{owner}'"
    fields = report.mapping(node, what, REQUIRE_KEYS, LATER_REQUIRE_KEYS)
    missing = [key for key in REQUIRE_KEYS if key not in fields]
    if missing:
        report.add(node, f"{what} has no {' and no '.join(missing)}")
        return _NOTHING
    shape = "the name of an approver group"
    return Requirement(
        count=report.number(fields["count"], "count", 1, MAX_COUNT),
        groups=tuple(sorted(report.words(fields["from"], "from", _GROUP, shape))),
    )


def read_rules(
    node: YamlNode | None,
    compiler: Compiler,
    schema: Schema,
    definitions: Mapping[str, Condition],
    report: Report,
) -> tuple[Rule, ...]:
    """The rules that could be read; mistakes are in `report`. None at all is allowed."""
    if node is None:
        return ()
    items = report.items(node, "rules")
    if len(items) > MAX_RULES:
        report.add(node, f"too many rules; at most {MAX_RULES}")
        report.finish()
    reader = _RuleReader(compiler, schema, definitions, report)
    return tuple(rule for rule in map(reader.read, items) if rule is not None)


class _RuleReader:
    def __init__(
        self,
        compiler: Compiler,
        schema: Schema,
        definitions: Mapping[str, Condition],
        report: Report,
    ) -> None:
        self._compiler = compiler
        self._schema = schema
        self._definitions = definitions
        self._linter = Linter(schema, definitions)
        self._report = report
        self._ids: set[str] = set()

    def read(self, node: YamlNode) -> Rule | None:
        fields = self._report.mapping(node, "a rule", KEYS, LATER_KEYS)
        if not fields:
            return None
        id_ = self._id(node, fields.get("id"))
        effects = [effect for effect in EFFECTS if effect in fields]
        if len(effects) != 1:
            message = f"rule '{id_}' needs exactly one of deny, require and approve"
            self._report.add(node, message)
            return None
        effect = effects[0]
        denial, requirement = self._effect(effect, fields[effect], id_)
        when = self._when(node, fields.get("when"), effect, id_)
        return Rule(id_, when, effect, denial, requirement) if when else None

    def _id(self, node: YamlNode, given: YamlNode | None) -> str:
        if given is None:
            self._report.add(node, "a rule has no id")
            return ""
        shape = "lower-case letters, digits and dashes, at most 63"
        id_ = self._report.word(given, "the id of a rule", _RULE_ID, shape)
        if id_ == DEFAULT_RULE:
            self._report.add(given, f"'{DEFAULT_RULE}' is kept for the default; use another id")
        elif id_ and id_ in self._ids:
            self._report.add(given, f"there are two rules '{id_}'")
        self._ids.add(id_)
        return id_

    def _effect(
        self, effect: Effect, node: YamlNode, id_: str
    ) -> tuple[Template | None, Requirement | None]:
        if effect == "deny":
            return self._denial(node, id_), None
        if effect == "require":
            return None, read_requirement(node, id_, self._report)
        if not isinstance(node, Scalar) or node.value != "auto":
            self._report.add(node, f"approve of '{id_}' must be auto")
        return None, None

    def _denial(self, node: YamlNode, id_: str) -> Template | None:
        scalar = self._report.scalar(node, f"deny of '{id_}'")
        if scalar is None:
            return None
        try:
            return read_template(scalar.value, self._schema)
        except TemplateError as error:
            self._report.problems.append(scalar.problem_at(error.offset, error.message))
            return None

    def _when(
        self, node: YamlNode, given: YamlNode | None, effect: Effect, id_: str
    ) -> Condition | None:
        if given is None:
            self._report.add(node, f"rule '{id_}' has no when; write when: 'true' for always")
            return None
        scalar = self._report.scalar(given, f"when of '{id_}'")
        if scalar is None:
            return None
        condition = None
        try:
            condition = self._compiler.compile(scalar.value)
            mistakes = self._lint(effect, condition)
        except ConditionError as error:
            mistakes = error.mistakes
        self._report.problems += [scalar.problem_at(m.offset, m.message) for m in mistakes]
        return condition

    def _lint(self, effect: Effect, condition: Condition) -> tuple[Mistake, ...]:
        if not condition.names <= self._definitions.keys():
            # A definition that did not compile has its own problem; nothing to lint through.
            return ()
        return tuple(self._linter.mistakes(effect, condition))
