"""From text to a checked policy document, with every mistake at its line and column."""

import re
from collections.abc import Mapping
from functools import lru_cache

from policies.language.cases import read_cases
from policies.language.conditions import Compiler, Condition, ConditionError
from policies.language.document import DEFAULT_RULE, Definition, Match, PolicyDocument
from policies.language.fields import Report, read_time
from policies.language.globs import glob_problem
from policies.language.nodes import Scalar, YamlNode, read_yaml
from policies.language.options import KEYS as OPTIONS
from policies.language.options import read_options
from policies.language.problems import PolicyError, Problem
from policies.language.reader import Reader
from policies.language.rules import read_rules
from policies.language.schema import SCHEMAS, Schema

__all__ = ["PolicyError", "Problem", "load_policy", "parse_policy"]

MANDATORY = ("policy", "facts", "match", "default")
KEYS = (*MANDATORY, "define", "rules", "decide_within", "valid_for", "tests")
MATCH_KEYS = ("projects", "environments", "actions")

DEFAULT_DECIDE_WITHIN = 86_400
DEFAULT_VALID_FOR = 3_600
MAX_DEFINITIONS = 200

_POLICY_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
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
    fields = report.mapping(root, "the policy", (*KEYS, *OPTIONS))
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
    reader = Reader(compiler, schema, known, report)
    decide_within = read_time(fields.get("decide_within"), "decide_within", report)
    valid_for = read_time(fields.get("valid_for"), "valid_for", report)
    document = PolicyDocument(
        policy=policy,
        facts=name,
        match=_match(fields["match"], report),
        definitions=definitions,
        rules=read_rules(fields.get("rules"), reader),
        default=reader.required(fields["default"], "default", DEFAULT_RULE),
        decide_within=DEFAULT_DECIDE_WITHIN if decide_within is None else decide_within,
        valid_for=DEFAULT_VALID_FOR if valid_for is None else valid_for,
        tests=read_cases(fields.get("tests"), reader),
        **read_options(fields, reader),
    )
    reader.check_others()
    return document


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
        found[key] = report.texts(fields[key], key, "a pattern")
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
    if name in schema.words:
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
