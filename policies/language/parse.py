"""From text to a checked policy document, with every mistake at its line and column."""

import re
from collections.abc import Mapping
from functools import lru_cache

from policies.language.conditions import Compiler, Condition, ConditionError
from policies.language.document import DEFAULT_RULE, Definition, Match, PolicyDocument
from policies.language.fields import Report
from policies.language.globs import glob_problem
from policies.language.nodes import Scalar, YamlNode, read_yaml
from policies.language.problems import PolicyError, Problem, did_you_mean
from policies.language.rules import read_requirement, read_rules
from policies.language.schema import SCHEMAS, Schema

__all__ = ["PolicyError", "Problem", "load_policy", "parse_policy"]

_KEYS = "policy facts match define rules default decide_within valid_for hold"
_LATER_KEYS = (
    "mode risk tolerate on_unavailable on_drift supersede step_up break_glass escalate tests"
)
MANDATORY = ("policy", "facts", "match", "default")
MATCH_KEYS = ("projects", "environments", "actions")

DEFAULT_DECIDE_WITHIN = 86_400
DEFAULT_VALID_FOR = 3_600
MAX_DEFINITIONS = 200

_POLICY_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_ANYTHING = re.compile(r".+", re.DOTALL)
_DEFINITION = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RESERVED = (
    "true false null in as break const continue else for function if import let loop package "
    "namespace return var void while size int uint double string bool bytes list map type dyn "
    "null_type matches contains timestamp duration has all exists"
)


def parse_policy(text: str) -> PolicyDocument:
    """The document. Raises PolicyError with every problem found."""
    report = Report()
    root = read_yaml(text)
    fields = report.mapping(root, "the policy", _KEYS.split(), _LATER_KEYS.split())
    if fields or not report.problems:
        for key in MANDATORY:
            if key not in fields:
                report.add(root, _MISSING[key])
    report.finish()
    document = _read(fields, report)
    report.finish()
    return document


@lru_cache(maxsize=512)
def load_policy(text: str) -> PolicyDocument:
    """`parse_policy`, remembered: documents are immutable and compiling is the slow part."""
    return parse_policy(text)


_MISSING = {
    "policy": "the policy has no 'policy': give it a stable id",
    "facts": "the policy has no 'facts': name the fact schema, as in facts: v1",
    "match": "the policy has no 'match': say which projects, environments and actions it is for",
    "default": (
        "the policy has no 'default': say who decides when no rule is certain,"
        " as in default: {require: {count: 1, from: [team-leads]}}"
    ),
}


def _read(fields: Mapping[str, YamlNode], report: Report) -> PolicyDocument:
    shape = "lower-case letters, digits, dots and dashes, at most 63"
    policy = report.word(fields["policy"], "policy", _POLICY_ID, shape)
    name, schema = _schema(fields["facts"], report)
    definitions, compiler = _definitions(fields.get("define"), schema, report)
    known = {definition.name: definition.condition for definition in definitions}
    rules = read_rules(fields.get("rules"), compiler, schema, known, report)
    default = report.mapping(fields["default"], "default", ("require",))
    if not default:
        report.add(fields["default"], "default must be {require: {count: ..., from: [...]}}")
    return PolicyDocument(
        policy=policy,
        facts=name,
        match=_match(fields["match"], report),
        definitions=definitions,
        rules=rules,
        default=read_requirement(default.get("require"), DEFAULT_RULE, report),
        decide_within=_duration(fields.get("decide_within"), "decide_within", report),
        valid_for=_duration(fields.get("valid_for"), "valid_for", report),
        hold=_hold(fields.get("hold"), schema, report),
    )


def _schema(node: YamlNode, report: Report) -> tuple[str, Schema]:
    name = node.value if isinstance(node, Scalar) else ""
    if name not in SCHEMAS:
        known = ", ".join(SCHEMAS)
        report.add(node, f"unknown fact schema '{name}'; there is {known}")
        report.finish()
    return name, SCHEMAS[name]


def _match(node: YamlNode, report: Report) -> Match:
    fields = report.mapping(node, "match", MATCH_KEYS)
    found: dict[str, tuple[str, ...]] = {}
    for key in MATCH_KEYS:
        if key not in fields:
            report.add(node, f"match has no '{key}'; write {key}: ['**'] for all")
            continue
        found[key] = report.words(fields[key], key, _ANYTHING, "a pattern")
        for item, pattern in zip(report.items(fields[key], key), found[key], strict=False):
            problem = glob_problem(pattern)
            if pattern and problem:
                report.add(item, problem)
    return Match(*(found.get(key, ()) for key in MATCH_KEYS))


def _definitions(
    node: YamlNode | None, schema: Schema, report: Report
) -> tuple[tuple[Definition, ...], Compiler]:
    entries = list(report.entries(node, "define")) if node else []
    if node and len(entries) > MAX_DEFINITIONS:
        report.add(node, f"too many definitions; at most {MAX_DEFINITIONS}")
    for key, _ in entries:
        problem = _definition_problem(key.value, schema)
        if problem:
            report.add(key, problem)
    report.finish()
    compiler = Compiler(schema, [key.value for key, _ in entries])
    found = []
    for key, value in entries:
        condition = _condition(compiler, value, key.value, report)
        if condition is not None:
            found.append(Definition(key.value, condition))
    return tuple(found), compiler


def _definition_problem(name: str, schema: Schema) -> str | None:
    if not _DEFINITION.fullmatch(name):
        return "a name is lower-case letters, digits and underscores, at most 63"
    if name in _RESERVED.split():
        return f"'{name}' is a word of the condition language; use another name"
    if any(fact.split(".")[0] == name for fact in schema):
        return f"'{name}' is the first word of a fact; use another name"
    return None


def _condition(compiler: Compiler, node: YamlNode, name: str, report: Report) -> Condition | None:
    scalar = report.scalar(node, f"the condition of '{name}'")
    if scalar is None:
        return None
    try:
        return compiler.compile(scalar.value, before=name)
    except ConditionError as error:
        report.problems += [scalar.problem_at(m.offset, m.message) for m in error.mistakes]
        return None


def _duration(node: YamlNode | None, key: str, report: Report) -> int:
    if key == "decide_within":
        return report.seconds(node, key, "1m", "30d") if node else DEFAULT_DECIDE_WITHIN
    return report.seconds(node, key, "10s", "7d") if node else DEFAULT_VALID_FOR


def _hold(node: YamlNode | None, schema: Schema, report: Report) -> tuple[str, ...]:
    if node is None:
        return ()
    names = report.words(node, "hold", _ANYTHING, "the name of a fact")
    for item, name in zip(report.items(node, "hold"), names, strict=False):
        if name and name not in schema:
            report.add(item, f"unknown fact '{name}'{did_you_mean(name, schema)}")
    return names
