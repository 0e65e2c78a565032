"""What the sections of a document share: conditions, sentences, group names, requirements."""

import re
from collections.abc import Mapping

from policies.language.conditions import Compiler, Condition, ConditionError, Mistake
from policies.language.document import Effect, Requirement
from policies.language.fields import Report
from policies.language.lint import Linter
from policies.language.nodes import Scalar, YamlNode
from policies.language.problems import did_you_mean
from policies.language.schema import FactType, Schema, unknown_fact
from policies.language.template import Template, TemplateError, read_template

REQUIRE_KEYS = ("count", "from")
REQUIRE_MORE_KEYS = ("including", "sequence", "distinct_across", "self_approval")
MAX_COUNT = 20

_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RULE_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
_NOTHING = Requirement(0, ())


class Reader:
    """Reads parts over one schema and one set of definitions; mistakes go into `report`.

    `asking`: the rules that ask people, for `check_others` once all of them are read.
    """

    def __init__(
        self,
        compiler: Compiler,
        schema: Schema,
        definitions: Mapping[str, Condition],
        report: Report,
    ) -> None:
        self.schema = schema
        self.report = report
        self.asking: set[str] = set()
        self._across: list[tuple[YamlNode, str]] = []
        self._compiler = compiler
        self._definitions = definitions
        self._linter = Linter(schema, definitions)

    def condition(self, node: YamlNode, owner: str, effect: Effect) -> Condition | None:
        """A condition whose truth has this effect; claims may not loosen through it."""
        scalar = self.report.scalar(node, owner)
        if scalar is None:
            return None
        condition = None
        try:
            condition = self._compiler.compile(scalar.value)
            mistakes = self._lint(effect, condition)
        except ConditionError as error:
            mistakes = error.mistakes
        self.report.problems += [scalar.problem_at(m.offset, m.message) for m in mistakes]
        return condition

    def _lint(self, effect: Effect, condition: Condition) -> tuple[Mistake, ...]:
        # A definition that did not compile has its own problem; a note decides nothing.
        if effect == "note" or not condition.names <= self._definitions.keys():
            return ()
        return tuple(self._linter.mistakes(effect, condition))

    def sentence(self, node: YamlNode, owner: str) -> Template | None:
        """A sentence with facts in it."""
        scalar = self.report.scalar(node, owner)
        if scalar is None:
            return None
        try:
            return read_template(scalar.value, self.schema)
        except TemplateError as error:
            self.report.problems.append(scalar.problem_at(error.offset, error.message))
            return None

    def fact(self, key: Scalar) -> FactType | None:
        """The fact that a key names."""
        if key.value not in self.schema:
            self.report.add(key, unknown_fact(key.value, self.schema))
        return self.schema.get(key.value)

    def rule_id(self, node: YamlNode, what: str) -> str:
        """The id of a rule."""
        shape = "lower-case letters, digits and dashes, at most 63"
        return self.report.word(node, what, _RULE_ID, shape)

    def rule_ids(self, node: YamlNode, what: str) -> tuple[str, ...]:
        """Ids of rules, in order of the alphabet."""
        shape = "the id of a rule"
        return tuple(sorted(self.report.words(node, what, _RULE_ID, shape)))

    def groups(self, node: YamlNode, what: str) -> tuple[str, ...]:
        """Names of approver groups, in the order written."""
        return self.report.words(node, what, _GROUP, "the name of an approver group")

    def required(self, node: YamlNode, what: str, owner: str) -> Requirement:
        """`{require: {...}}` and nothing else."""
        fields = self.report.mapping(node, what, ("require",))
        if "require" in fields:
            return self.requirement(fields["require"], owner)
        self.report.add(node, f"{what} must be {{require: {{count: ..., from: [...]}}}}")
        return _NOTHING

    def requirement(self, node: YamlNode, owner: str) -> Requirement:
        """`{count: 2, from: [team-leads, dba], including: {dba: 1}, ...}`."""
        what = f"require of '{owner}'"
        fields = self.report.mapping(node, what, (*REQUIRE_KEYS, *REQUIRE_MORE_KEYS))
        missing = [key for key in REQUIRE_KEYS if key not in fields]
        if missing:
            self.report.add(node, f"{what} has no {' and no '.join(missing)}")
            return _NOTHING
        count = self.report.number(fields["count"], "count", 1, MAX_COUNT)
        groups = self.groups(fields["from"], "from")
        including = self._including(fields.get("including"), groups, count)
        return Requirement(
            count=count,
            groups=tuple(sorted(groups)),
            including=including,
            sequence=self._sequence(fields.get("sequence"), groups, dict(including), count),
            distinct_across=self._others(fields.get("distinct_across"), owner),
            self_approval=self.report.flag(fields.get("self_approval"), "self_approval"),
        )

    def _including(
        self, node: YamlNode | None, groups: tuple[str, ...], count: int
    ) -> tuple[tuple[str, int], ...]:
        if node is None:
            return ()
        found = {}
        for key, value in self.report.entries(node, "including"):
            if self._is_from(key, key.value, groups, "including"):
                found[key.value] = self.report.number(value, f"including {key.value}", 1, MAX_COUNT)
        if sum(found.values()) > count:
            self.report.add(node, f"including asks for more people than count, which is {count}")
        return tuple(sorted(found.items()))

    def _sequence(
        self,
        node: YamlNode | None,
        groups: tuple[str, ...],
        including: Mapping[str, int],
        count: int,
    ) -> tuple[str, ...]:
        if node is None:
            return ()
        named = self.groups(node, "sequence")
        items = self.report.items(node, "sequence")
        for item, name in zip(items, named, strict=False):
            self._is_from(item, name, groups, "sequence")
        if len(named) < 2:
            self.report.add(node, "a sequence has at least two groups")
        needed = sum(including.values()) + len([one for one in named if one not in including])
        if needed > count:
            message = f"each group of the sequence needs a person: {needed}, but count is {count}"
            self.report.add(node, message)
        return named

    def _is_from(self, node: YamlNode, name: str, groups: tuple[str, ...], what: str) -> bool:
        if name in groups:
            return True
        hint = did_you_mean(name, groups)
        self.report.add(node, f"'{name}' in {what} is not one of from{hint}")
        return False

    def _others(self, node: YamlNode | None, owner: str) -> tuple[str, ...]:
        if node is None:
            return ()
        named = self.rule_ids(node, "distinct_across")
        for item in self.report.items(node, "distinct_across"):
            word = item.value if isinstance(item, Scalar) else ""
            if word == owner:
                message = "distinct_across names the other rules, not the rule itself"
                self.report.add(item, message)
            elif word in named:
                self._across.append((item, word))
        return named

    def check_others(self) -> None:
        """`distinct_across` names rules that ask people."""
        for node, name in self._across:
            if name not in self.asking:
                hint = did_you_mean(name, self.asking)
                self.report.add(node, f"distinct_across: no require rule '{name}'{hint}")
