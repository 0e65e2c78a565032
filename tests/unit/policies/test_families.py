"""Facts that connections name: typed by their family, never listed, unknown where nobody tells."""

import pytest

from policies.language.conditions import Compiler, ConditionError
from policies.language.conditions.condition import MAX_OF_FAMILIES
from policies.language.evaluate import evaluate
from policies.language.facts import SCHEMAS, Facts, FactValueError, Known, Unknown, check_value
from policies.language.schema import GROUPS, facts_given, unknown_fact
from policies.language.testing import run_cases
from policies.language.trial import facts_to_try
from policies.language.verdict import Outcome, at_least_as_strict
from portal.kernel.canonical import canonical
from tests.unit.policies.builders import document, facts, judge, one_rule, pinned, problems_of

SCHEMA = SCHEMAS["v1"]
WHOLE = """\
define:
  failing: metric.error_rate > 0.01
rules:
  - {id: failing, when: failing && !flag.ignored, deny: "{metric.error_rate} in {items.regions}."}
  - {id: red, when: "text.colour == 'red'", require: {count: 2, from: [leads]}}
hold: [metric.queue, text.colour]
tolerate: {metric.queue: 3}
on_unavailable: {flag.ignored: {require: {count: 1, from: [oncall]}}}
tests:
  - name: a high rate is denied
    given: {metric.error_rate: 0.5, flag.ignored: false, items.regions: [eu, us]}
    expect: {verdict: deny, because: [failing]}
  - name: an unknown one is not let through
    given: {metric.error_rate: ~, flag.ignored: false}
    expect: {verdict: blocked, because: [failing]}
"""


def message(condition):
    return problems_of(one_rule(condition))[0].message


@pytest.mark.parametrize(
    ("name", "kind"),
    [("metric.p99", "double"), ("flag.a_b", "bool"), ("text.a", "string"), ("items.a", "list")],
)
def test_the_family_fixes_the_type(name, kind):
    fact = SCHEMA[name]
    assert (fact.name, fact.kind, fact.provenance) == (name, kind, "attested")
    assert fact.group == name.split(".")[0]
    assert name in SCHEMA
    assert name not in list(SCHEMA)
    assert check_value(fact, fact.example) == fact.example


@pytest.mark.parametrize(
    "name",
    ["metric", "metric.", "metric.A", "metric._a", "metric.1a", "metric.a.b", "metric.a-b",
     "metric.in", "flag.true", "text.null", "metric.a\n", "metrics.a", ".a", f"metric.{'a' * 51}"],
)  # fmt: skip
def test_what_is_no_name_of_a_family_is_no_fact(name):
    assert name not in SCHEMA
    assert SCHEMA.get(name) is None
    with pytest.raises(KeyError):
        SCHEMA.only([name])
    with pytest.raises(FactValueError):
        Facts({name: Unknown("nobody told", "absent")})


def test_every_part_of_a_document_may_name_them():
    policy = document(WHOLE)
    named = {"metric.error_rate", "metric.queue", "flag.ignored", "text.colour", "items.regions"}
    assert policy.reads == named
    assert [result.differences for result in run_cases(policy)] == [(), ()]
    tried = [fact.name for fact in facts_to_try(policy)]
    assert set(tried) == named | {f"request.{n}" for n in ("project", "environment", "action")}
    assert tried[3:] == sorted(named)


def test_what_they_say_decides_and_what_nobody_says_never_loosens():
    said = {"metric.error_rate": 0.0, "flag.ignored": False, "text.colour": "green"}
    assert judge(WHOLE, said).outcome is Outcome.REVIEW
    assert judge(WHOLE, {**said, "metric.error_rate": 0.5}).outcome is Outcome.DENY
    for name in said:
        absent = {**said, name: Unknown("no source is connected for it", "absent")}
        assert at_least_as_strict(judge(WHOLE, absent), judge(WHOLE, said))
    gone = judge(WHOLE, {**said, "metric.error_rate": Unknown("none", "absent")})
    assert (gone.outcome, gone.blocking) == (Outcome.BLOCKED, ("metric.error_rate",))


def test_a_wrong_type_is_a_mistake():
    assert "cannot be used with" in message("metric.queue == 'long'")
    assert "must be true or false" in message("text.colour")
    assert "only numbers" in problems_of("hold: [text.a]\ntolerate: {text.a: 1}\n")[0].message


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("metrics.latency", "metric.latency"),
        ("flags.open", "flag.open"),
        ("item.regions", "items.regions"),
        ("git.signd", "git.signed"),
        ("alert.count", "alerts.count"),
    ],
)
def test_a_mistyped_name_says_what_was_meant(wrong, meant):
    assert f"unknown fact '{wrong}'; did you mean '{meant}'?" in unknown_fact(wrong, SCHEMA)
    assert f"unknown fact '{wrong}'; did you mean '{meant}'?" in message(f"{wrong} == 1")
    assert f"did you mean '{meant}'?" in problems_of(f"hold: [{wrong}]\n")[0].message


def test_what_resembles_nothing_gets_no_hint():
    assert unknown_fact("weather.in_tokyo", SCHEMA) == "unknown fact 'weather.in_tokyo'"


@pytest.mark.parametrize("word", ["text", "items", "metric", "flag", "ci"])
def test_the_first_word_of_a_fact_is_taken(word):
    assert "first word of a fact" in problems_of(f"define:\n  {word}: git.signed\n")[0].message
    assert "already means something" in message(f"git.paths.exists({word}, {word} == 'a')")


def test_one_document_names_only_so_many():
    compiler = Compiler(SCHEMA, [])
    for start in range(0, MAX_OF_FAMILIES, 50):
        names = [f"flag.f{number}" for number in range(start, start + 50)]
        assert compiler.compile(" || ".join(names)).reads == set(names)
    assert compiler.compile("flag.f0 && git.signed").reads == {"flag.f0", "git.signed"}
    with pytest.raises(ConditionError, match="too many facts of connections; at most 200"):
        compiler.compile("flag.f0 || flag.more")


def test_what_is_stored_gives_the_same_bytes_again():
    said = facts({"metric.error_rate": 0.5, "flag.ignored": False, "items.regions": ["eu"]})
    first = canonical(evaluate([pinned(WHOLE)], said).to_json())
    again = Facts.from_json(said.to_json())
    assert canonical(evaluate([pinned(WHOLE)], again).to_json()) == first


def test_a_claim_from_before_never_becomes_attested():
    stored = facts({"ci.state": "success"}).to_json()
    assert isinstance(Facts.from_json(stored).state("ci.state"), Known)
    stored["ci.state"] |= {"provenance": "claimed", "value": "error"}
    before = Facts.from_json(stored)
    assert before.state("ci.state") == Unknown("only the caller said so", "absent")


def test_a_source_gives_whole_groups_and_single_names():
    given = [fact.name for fact in facts_given(("oncall", "metric.b", "git.head", "metric.a"))]
    assert given == ["git.head", "oncall.now", "metric.a", "metric.b"]


def test_every_group_says_what_it_tells():
    assert set(GROUPS) == {fact.group for fact in SCHEMA.values()}
    assert SCHEMA.words == set(GROUPS) | {"metric", "flag", "text", "items"}
