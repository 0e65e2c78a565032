"""Reading the rules of a policy document."""

from policies.language.conditions import Condition
from policies.language.document import DEFAULT_RULE, Effect, Level, Limit, Rule
from policies.language.fields import read_time
from policies.language.nodes import Mapping, Scalar, YamlNode
from policies.language.reader import Reader

EFFECTS: tuple[Effect, ...] = ("deny", "require", "approve", "limit", "note")
LEVELS: tuple[Level, ...] = ("hard", "soft", "advisory")
KEYS = ("id", "level", "when", *EFFECTS)
LIMIT_KEYS = ("valid_for", "decide_within")

MAX_RULES = 200


def read_rules(node: YamlNode | None, reader: Reader) -> tuple[Rule, ...]:
    """The rules that could be read; mistakes are in the report. None at all is allowed."""
    if node is None:
        return ()
    items = reader.report.items(node, "rules")
    if len(items) > MAX_RULES:
        reader.report.add(node, f"too many rules; at most {MAX_RULES}")
        reader.report.finish()
    rules = _RuleReader(reader)
    return tuple(rule for rule in map(rules.read, items) if rule is not None)


class _RuleReader:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._report = reader.report
        self._ids: set[str] = set()

    def read(self, node: YamlNode) -> Rule | None:
        fields = self._report.mapping(node, "a rule", KEYS)
        if not fields:
            return None
        id_ = self._id(node, fields.get("id"))
        effects = [effect for effect in EFFECTS if effect in fields]
        if len(effects) != 1:
            message = f"rule '{id_}' needs exactly one of deny, require, approve, limit and note"
            self._report.add(node, message)
            return None
        effect = effects[0]
        level = self._level(fields.get("level"), effect, id_)
        when = fields.get("when")
        condition = None
        if when is None:
            self._report.add(node, f"rule '{id_}' has no when; write when: 'true' for always")
        else:
            condition = self._reader.condition(when, f"when of '{id_}'", effect)
        return self._rule(id_, condition, effect, level, fields[effect])

    def _rule(
        self, id_: str, when: Condition | None, effect: Effect, level: Level, node: YamlNode
    ) -> Rule | None:
        sentence = requirement = limit = None
        if effect in {"deny", "note"}:
            sentence = self._reader.sentence(node, f"{effect} of '{id_}'")
        elif effect == "require":
            requirement = self._reader.requirement(node, id_)
            self._reader.asking.add(id_)
        elif effect == "limit":
            limit = self._limit(node, id_)
        elif not isinstance(node, Scalar) or node.value != "auto":
            self._report.add(node, f"approve of '{id_}' must be auto")
        return Rule(id_, when, effect, level, sentence, requirement, limit) if when else None

    def _limit(self, node: YamlNode, id_: str) -> Limit:
        fields = self._report.mapping(node, f"limit of '{id_}'", LIMIT_KEYS)
        if not fields and isinstance(node, Mapping):
            self._report.add(node, f"limit of '{id_}' is empty; write limit: {{valid_for: 30m}}")
        return Limit(**{key: read_time(fields.get(key), key, self._report) for key in LIMIT_KEYS})

    def _id(self, node: YamlNode, given: YamlNode | None) -> str:
        if given is None:
            self._report.add(node, "a rule has no id")
            return ""
        id_ = self._reader.rule_id(given, "the id of a rule")
        if id_ == DEFAULT_RULE:
            self._report.add(given, f"'{DEFAULT_RULE}' is kept for the default; use another id")
        elif id_ and id_ in self._ids:
            self._report.add(given, f"there are two rules '{id_}'")
        self._ids.add(id_)
        return id_

    def _level(self, node: YamlNode | None, effect: Effect, id_: str) -> Level:
        usual: Level = "advisory" if effect == "note" else "hard"
        if node is None:
            return usual
        level = self._report.choice(node, f"level of '{id_}'", LEVELS)
        if effect == "note" and level != "advisory":
            self._report.add(node, "a note is advisory: it is only shown")
        if effect in {"approve", "limit"} and level != "hard":
            message = f"an {effect}" if effect == "approve" else f"a {effect}"
            self._report.add(node, f"{message} rule has no level: there is nothing to lift")
        return level or usual
