"""Every broken document gives line, column, what is wrong and what was meant."""

from textwrap import dedent

import pytest

from policies.language.parse import load_policy, parse_policy
from tests.unit.policies.builders import HEAD, document, one_rule, problems, problems_of

FULL = """\
policy: payments
facts: v1
match: {projects: ["payments/**"], environments: ["*"], actions: [deploy, migrate]}
define:
  prod: request.tier == 'production'
  db_change: prod && matches_path(git.paths, 'migrations/**')
rules:
  - id: unsigned
    when: "!git.signed"
    deny: Commit {request.commit} is not signed.
  - id: db
    when: db_change
    require: {count: 2, from: [team-leads, dba]}
  - id: staging
    when: request.tier == 'staging'
    approve: auto
default: {require: {count: 1, from: [team-leads]}}
decide_within: 8h
valid_for: 30m
hold: [git.head, request.artifact]
"""


def test_a_whole_document_is_read():
    policy = parse_policy(FULL)
    assert (policy.policy, policy.facts) == ("payments", "v1")
    assert policy.match.actions == ("deploy", "migrate")
    assert [one.name for one in policy.definitions] == ["prod", "db_change"]
    assert [(rule.id, rule.effect) for rule in policy.rules] == [
        ("unsigned", "deny"),
        ("db", "require"),
        ("staging", "approve"),
    ]
    assert policy.rules[1].requirement.count == 2
    assert policy.rules[1].requirement.groups == ("dba", "team-leads")
    assert (policy.decide_within, policy.valid_for) == (8 * 3600, 30 * 60)
    assert policy.hold == ("git.head", "request.artifact")
    assert policy.groups == {"team-leads", "dba"}
    assert policy.reads == {
        "request.tier",
        "request.commit",
        "request.artifact",
        "git.paths",
        "git.signed",
        "git.head",
    }


def test_durations_have_defaults():
    policy = document()
    assert (policy.decide_within, policy.valid_for) == (24 * 3600, 3600)


def test_loading_twice_gives_the_same_document():
    assert load_policy(FULL) is load_policy(FULL)


def test_a_condition_is_never_typed_by_yaml():
    policy = document("define:\n  always: true\nrules:\n  - {id: a, when: always, deny: no}\n")
    assert policy.definitions[0].condition.text == "true"
    assert policy.rules[0].sentence.text == "no"


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "said"),
    [
        ("git.signed", "git.singed", 9, 13, "did you mean 'git.signed'?"),
        ("prod && matches", "prd && matches", 6, 14, "did you mean 'prod'?"),
        ("== 'staging'", "== 'stagin'", 15, 27, "did you mean 'staging'?"),
        ("'migrations/**'", "'migrations**'", 6, 46, "alone between slashes"),
        ("{request.commit}", "{request.comit}", 10, 19, "did you mean 'request.commit'?"),
        ("hold: [git.head", "hold: [git.haed", 20, 8, "did you mean 'git.head'?"),
        ("valid_for", "vaild_for", 19, 1, "did you mean 'valid_for'?"),
        ("approve: auto", "approve: yes", 16, 14, "must be auto"),
        ("count: 2", "count: two", 13, 22, "whole number from 1 to 20"),
        ("count: 2", "count: 0", 13, 22, "whole number from 1 to 20"),
        ("count: 2", "count: '2'", 13, 22, "whole number from 1 to 20"),
        ("count: 2, ", "", 13, 14, "has no count"),
        ("from: [team-leads, dba]", "from: []", 13, 31, "from is empty"),
        ("from: [team-leads, dba]", "from: dba", 13, 31, "from must be a list"),
        ("from: [team-leads, dba]", "from: [dba, dba]", 13, 37, "there twice"),
        ("id: db", "id: unsigned", 11, 9, "two rules 'unsigned'"),
        ("id: db", "id: default", 11, 9, "kept for the default"),
        ("id: db", "id: DB", 11, 9, "lower-case"),
        ("    when: db_change\n", "", 11, 5, "rule 'db' has no when"),
        ("30m", "30 minutes", 19, 12, "a duration such as 30m"),
        ("30m", "5s", 19, 12, "from 10s to 7d"),
        ("30m", "8d", 19, 12, "from 10s to 7d"),
        ("8h", "31d", 18, 16, "from 1m to 30d"),
        ("8h", "30s", 18, 16, "from 1m to 30d"),
        ("facts: v1", "facts: v2", 2, 8, "unknown fact schema 'v2'"),
        ("policy: payments", "policy: Pay ments", 1, 9, "lower-case"),
        ('["payments/**"]', '["payments**"]', 3, 20, "alone between slashes"),
        (', environments: ["*"]', "", 3, 8, "match has no 'environments'"),
        ("  prod:", "  request:", 5, 3, "first word of a fact"),
        ("  prod:", "  size:", 5, 3, "word of the condition language"),
        ("policy: payments", "policy: &a payments", 1, 9, "anchors"),
        ("policy: payments", "policy: !!str payments", 1, 9, "tags"),
        ("policy: payments", "policy: *a", 1, 9, "aliases"),
        ("policy: payments", "policy: a\npolicy: b", 2, 1, "there twice, first in line 1"),
        ("  prod: ", "  prod: true\n  prod: ", 6, 3, "there twice"),
        ("policy: payments", "policy: payments\n---\na: b", 2, 1, "one document a file"),
        ("policy: payments", "\tpolicy: payments", 1, 1, "not YAML"),
        ("policy: payments", "policy: a: b", 1, 10, "put quotes around"),
        ("policy: payments", "policy: pay\0ments", 1, 12, "U+0000 is not allowed"),
    ],
)
def test_a_mistake_is_told_at_its_line_and_column(old, new, line, column, said):
    assert FULL.count(old) >= 1
    found = problems(FULL.replace(old, new, 1))[0]
    assert said in found.message
    assert (found.line, found.column) == (line, column)
    assert str(found).startswith(f"line {line}, column {column}: ")


@pytest.mark.parametrize("key", ["policy", "facts", "match", "default"])
def test_a_missing_key_is_told_with_what_it_is_for(key):
    text = "".join(
        line for line in HEAD.format(name="shop").splitlines(True) if not line.startswith(key)
    )
    assert f"has no '{key}': " in problems(text)[0].message


@pytest.mark.parametrize("effects", ["", "deny: x, approve: auto", "approve: auto, deny: x"])
def test_a_rule_has_exactly_one_effect(effects):
    separator = ", " if effects else ""
    found = problems_of(f"rules:\n  - {{id: a, when: 'true'{separator}{effects}}}\n")
    assert "exactly one of deny, require, approve, limit and note" in found[0].message


def test_all_problems_are_told_at_once_in_the_order_of_the_text():
    found = problems_of(
        """\
        define:
          a: git.singed
        rules:
          - {id: b, when: git.exsits, deny: x}
          - {id: c, when: a, require: {count: 99, from: [x]}}
        valid_for: 1
        """
    )
    assert [one.line for one in found] == [6, 8, 9, 10]


def test_of_very_many_problems_the_first_are_told():
    found = problems_of("hold: [" + ", ".join(f"git.hed{n}" for n in range(900)) + "]\n")
    assert len(found) == 100
    assert all("unknown fact" in one.message for one in found)


def test_a_condition_that_is_too_slow_is_told_at_its_place():
    slow = "git.paths.exists(p, p + git.head + git.head == '')"
    found = problems_of(f"define:\n  a: git.signed\n  b: {slow}\nrules: []\n")
    assert [(one.line, one.column) for one in found] == [(7, 6)]
    assert "ms with the largest facts" in found[0].message


def test_a_mistake_in_a_block_is_told_in_its_own_line():
    body = "define:\n  a: |\n    git.signed\n      && git.is_haed\n"
    (found,) = problems_of(body)
    assert (found.line, found.column) == (8, 10)


def test_a_mistake_in_folded_text_is_told_at_the_condition():
    body = "define:\n  a: >\n    git.signed\n    && git.is_haed\n"
    (found,) = problems_of(body)
    assert (found.line, found.column) == (6, 6)


def test_a_document_without_rules_asks_by_default():
    assert document().rules == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the document is empty"),
        ("# only a comment", "the document is empty"),
        ("just text", "must be a mapping"),
        ("[a, b]", "must be a mapping"),
        ("{[a]: b}", "a key must be a plain word"),
        ("a: " + "[" * 20 + "]" * 20, "nested deeper"),
        ("a: " + "[" * 20_000, "nested deeper"),
        ("x" * 65_537, "at most 64 KiB"),
        ("é" * 40_000, "at most 64 KiB"),
        ("policy: \ud800", "not valid Unicode"),
        ("a: 'open", "not YAML"),
        ("%YAML 9.9\n---\na: b", "not YAML"),
    ],
)
def test_what_is_no_policy_at_all_is_refused(text, said):
    assert said in problems(text)[0].message


def test_unfinished_sentences_are_refused():
    assert "single brace" in problems_of(one_rule("true", "deny: 'a { b'"))[0].message
    assert "is empty" in problems_of(one_rule("true", "deny: ''"))[0].message


def test_too_many_rules_are_refused_before_they_are_compiled():
    rules = "".join(f"  - {{id: r{number}, when: 'true', deny: x}}\n" for number in range(201))
    assert "too many rules" in problems_of("rules:\n" + rules)[0].message


def test_a_text_of_many_lines_is_read_as_written():
    text = dedent(FULL).replace("when: db_change", "when: |\n      db_change\n      && prod")
    assert parse_policy(text).rules[1].when.text == "db_change\n&& prod\n"
