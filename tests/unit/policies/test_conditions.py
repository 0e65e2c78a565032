"""The guarded engine: three answers, exact positions, and nothing that it does not need."""

import threading
import tracemalloc

import pytest

from policies.language.conditions import Compiler, ConditionError, Truth
from policies.language.facts import SCHEMAS
from tests.unit.policies.builders import GONE, PENDING, facts


def compiled(text, **options):
    return Compiler(SCHEMAS["v1"], ["first", "second"]).compile(text, **options)


def answer(text, values=None, named=None):
    return compiled(text).evaluate(facts(values), named or {})


def mistakes(text, **options):
    with pytest.raises(ConditionError) as caught:
        compiled(text, **options)
    return caught.value.mistakes


@pytest.mark.parametrize(
    ("text", "values", "truth"),
    [
        ("git.signed", {"git.signed": True}, Truth.TRUE),
        ("git.signed", {"git.signed": False}, Truth.FALSE),
        ("git.signed", {}, Truth.UNKNOWN),
        ("git.signed", {"git.signed": GONE}, Truth.UNKNOWN),
        ("true || git.signed", {}, Truth.TRUE),
        ("git.signed || true", {}, Truth.TRUE),
        ("git.signed && false", {}, Truth.FALSE),
        ("git.signed || git.exists", {"git.exists": True}, Truth.TRUE),
        ("git.signed && git.exists", {"git.exists": False}, Truth.FALSE),
        ("git.signed && git.exists", {"git.exists": True}, Truth.UNKNOWN),
        ("!git.signed", {}, Truth.UNKNOWN),
        ("git.signed ? true : true", {}, Truth.UNKNOWN),
        ("git.signed == git.signed", {}, Truth.UNKNOWN),
        ("git.files_changed / 0 == 1", {"git.files_changed": 1}, Truth.UNKNOWN),
        ("git.files_changed * 9223372036854775807 > 1", {"git.files_changed": 5}, Truth.UNKNOWN),
        ("git.paths[0] == 'a'", {"git.paths": []}, Truth.UNKNOWN),
        ("git.paths[-1] == 'a'", {"git.paths": ["a"]}, Truth.UNKNOWN),
        ("git.paths.exists(p, p == 'a')", {"git.paths": ["b", "a"]}, Truth.TRUE),
        ("git.paths.exists_one(p, p == 'a')", {"git.paths": ["a", "a"]}, Truth.FALSE),
        ("git.paths.all(p, p.endsWith('.md'))", {"git.paths": ["a.md", "b.py"]}, Truth.FALSE),
        ("git.paths.exists(p, p == 'a' || git.signed)", {"git.paths": ["b"]}, Truth.UNKNOWN),
        ("matches_path(git.paths, 'db/**')", {"git.paths": ["x", "db/1.sql"]}, Truth.TRUE),
        ("matches_path(git.paths, 'db/**')", {"git.paths": ["x/db/1.sql"]}, Truth.FALSE),
        ("matches_path(git.paths, 'db/**')", {"git.paths": PENDING}, Truth.UNKNOWN),
        (
            "git.paths.all(p, matches_path(p, 'docs/**'))",
            {"git.paths": ["docs/a", "docs/b/c"]},
            Truth.TRUE,
        ),
        (
            "[git.paths.all(a, a != ''), false].exists(b, git.paths.exists(a, b && a == 'x'))",
            {"git.paths": ["x"]},
            Truth.TRUE,
        ),
        ("git.head == 'é😀'", {"git.head": "é😀"}, Truth.TRUE),
        ("deploy.canary_error_rate > 0.01", {"deploy.canary_error_rate": 1}, Truth.TRUE),
    ],
)
def test_a_condition_is_true_false_or_unknown(text, values, truth):
    assert answer(text, values).truth is truth


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("int('+7') == 7 && int(' 7 ') == 7 && int('-0') == 0 && int('007') == 7", Truth.TRUE),
        ("int('0x10') == 16", Truth.UNKNOWN),
        ("int('1_000') == 1000", Truth.UNKNOWN),
        ("int('\uff11') == 1", Truth.UNKNOWN),
        ("int('1.0') == 1", Truth.UNKNOWN),
        ("double('1_0') == 10.0", Truth.UNKNOWN),
        ("double('0x10') == 16.0", Truth.TRUE),
        ("double('1.') == 1.0 && double('inf') > 1e308 && double('1e400') > 1e308", Truth.TRUE),
        ("double('nan') == double('nan')", Truth.FALSE),
        ("1.0 / 0.0 > 1e308 && -1.0 / 0.0 < -1e308", Truth.TRUE),
        ("0.0 / 0.0 > 1.0 || 0.0 / 0.0 <= 1.0 || 0.0 / 0.0 == 0.0 / 0.0", Truth.FALSE),
        ("int(-9223372036854775808.0) < 0", Truth.UNKNOWN),
    ],
)
def test_numbers_are_read_and_divided_as_documented(text, truth):
    assert answer(text).truth is truth


def test_an_unknown_answer_names_the_facts_it_misses():
    known = {"git.exists": True}
    assert answer("git.signed && git.is_head && git.exists", known).missing == {
        "git.signed",
        "git.is_head",
    }


def test_an_answer_that_cannot_be_computed_says_why():
    result = answer("git.files_changed / 0 == 1", {"git.files_changed": 1})
    assert result.missing == frozenset()
    assert "divide by zero" in result.error


def test_a_definition_is_used_by_its_answer_and_passes_on_what_it_misses():
    named = {"first": answer("git.signed")}
    assert answer("first && git.exists", {"git.exists": True}, named).missing == {"git.signed"}
    assert answer("first && git.exists", {"git.exists": False}, named).truth is Truth.FALSE


def test_a_condition_tells_what_it_reads():
    condition = compiled("first && git.paths.exists(p, p == git.head) && 'a' in ci.failed")
    assert condition.reads == {"git.paths", "git.head", "ci.failed"}
    assert condition.names == {"first"}


def test_only_earlier_definitions_may_be_used():
    compiled("first", before="second")
    assert "further down" in mistakes("second", before="second")[0].message
    assert "further down" in mistakes("git.signed && second", before="first")[0].message


@pytest.mark.parametrize(
    ("text", "offset", "said"),
    [
        ("git.signd", 0, "unknown fact 'git.signd'; did you mean 'git.signed'?"),
        ("git.signed && git.is_haed", 14, "did you mean 'git.is_head'?"),
        ("git.signed\n  && git.is_haed", 16, "did you mean 'git.is_head'?"),
        ("git.head == 'é😀' && git.is_haed", 20, "did you mean 'git.is_head'?"),
        ("git.pathz.exists(p, p == 'a')", 0, "did you mean 'git.paths'?"),
        ("!frist", 1, "unknown name 'frist'; did you mean 'first'?"),
        ("git.subject.startWith('x')", 21, "unknown function 'startWith'; did you mean"),
        ("git.files_changed > 1.0", 18, "> cannot be used with (int, double)"),
        ("git.signed &&", 13, "Syntax error"),
        ("request.tier == 'prod'", 16, "it is one of production, staging"),
        ("ci.state == 'failed'", 12, "did you mean 'failure'?"),
        ("'sucess' != ci.state", 0, "did you mean 'success'?"),
        ("time.weekday in ['monday', 'firday']", 27, "did you mean 'friday'?"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_was_meant(text, offset, said):
    found = mistakes(text)
    assert found[0].offset == offset
    assert said in found[0].message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("'no'", "must be true or false"),
        ("git.head", "must be true or false, but it is string"),
        ("git.paths.map(p, p + 'x') == ['x']", "only exists, all and exists_one"),
        ("git.paths.filter(p, p == 'x').size() > 0", "only exists, all and exists_one"),
        ("{'a': 1}['a'] == 1", "map and message literals"),
        ("dyn(git.head) == 1", "dyn"),
        ("has(git.head)", "has() is not supported"),
        ("has(git.signed)", "has() is not supported"),
        ("git.exists && has // a comment\n (git.signed)", "has() is not supported"),
        ("type(git.head) == string", "not supported"),
        ("git.head == null", "null"),
        ("[1, 'a'].size() == 2", "no fixed type"),
        ("[].size() == 0", "no fixed type"),
        ("b'a' == b'a'", "not supported"),
        ("1u == 1u", "not supported"),
        ("timestamp(time.now).getHours() == 1", "timestamp() is not supported"),
        ("duration('1h') > duration('1m')", "duration() is not supported"),
        ("git.head == 'a\\u0000b'", "NUL"),
        ("git.head == 'a\0b'", "NUL"),
        ("git.head == '\ud800'", "U+D800 is not a character"),
        ("git.head.matches('(')", "missing )"),
        ("git.head.matches(git.subject)", "must be a literal text"),
        ("matches_path(git.paths, git.head)", "must be a literal text"),
        ("matches_path(git.paths, '[ab]')", "brackets"),
        ("matches_path(git.paths, 'a**')", "alone between slashes"),
        ("git.paths.exists(git, git == 'x')", "already means something"),
        ("git.paths.exists(first, first == 'x')", "already means something"),
        ("git.paths.exists(p, git.paths.exists(p, p == 'x'))", "already means something"),
        (
            "git.paths.exists(a, git.paths.exists(b, git.paths.exists(c, c == a + b)))",
            "at most 2 loops",
        ),
        ("request", "unknown name"),
        ("optional.of(1) == optional.none()", "unknown"),
        ("google.protobuf.Timestamp{seconds: 1} == google.protobuf.Timestamp{}", "not supported"),
        ("'%d'.format([1]) == '1'", "unknown function"),
        ("", "Syntax error"),
        ("   ", "Syntax error"),
        ("true" + " || true" * 600, "too long"),
        ("git.head.matches('a{300}')", "300 parts with repetitions, at most 250"),
        ("git.paths.all(a, git.authors.all(b, a + b != 'x'))", "ms with the largest facts"),
    ],
)
def test_what_the_language_leaves_out_is_refused(text, said):
    assert any(said in mistake.message for mistake in mistakes(text))


def test_what_the_conditions_of_a_document_cost_adds_up():
    compiler = Compiler(SCHEMAS["v1"], [])
    costly = "git.paths.exists(p, p in git.authors)"
    compiler.compile(costly)
    compiler.compile(costly)
    with pytest.raises(ConditionError, match="all conditions up to here could take"):
        compiler.compile(costly)
    with pytest.raises(ConditionError, match="all conditions up to here could take"):
        compiler.compile("git.signed")


HOSTILE = {
    "open parentheses": "(" * 3_999,
    "balanced parentheses": "(" * 1_900 + "true" + ")" * 1_900,
    "nested lists": "[" * 1_900 + "]" * 1_900 + " == []",
    "a sum of two thousand": "git.files_changed" + "+1" * 1_900 + "==1",
    "joined text": "git.head" + "+git.head" * 400 + "==''",
    "nested loops": "git.paths.exists(a," * 200 + "true" + ")" * 200,
    "nested choices": "(git.signed?" * 300 + "true" + ":true)" * 300,
    "dots": "git.head" + ".x" * 1_900,
    "open quote": "'" + "x" * 3_000,
    "regular expression bomb": r"git.head.matches('((a{1,900}){1,900}){1,900}')",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_condition_is_refused_at_once(text):
    assert mistakes(text)


RUNAWAY = {
    "not not not": "!" * 3_980 + "git.signed",
    "minus minus": "git.files_changed == " + "-" * 3_900 + "1",
    "a long or": "git.signed" + "||git.signed" * 300,
    "a slow regular expression": r"git.head.matches('(x+x+)+y')",
    "two loops over two thousand": "git.paths.exists(a, git.paths.exists(b, a == b && a == 'x'))",
    "a comment": "git.signed // || true",
}


@pytest.mark.parametrize("text", RUNAWAY.values(), ids=RUNAWAY.keys())
def test_a_hostile_condition_that_is_valid_ends_quickly_and_does_not_pass(text):
    values = {
        "git.signed": False,
        "git.files_changed": 7,
        "git.head": "x" * 8_000,
        "git.paths": [f"path/{number}" for number in range(2_000)],
    }
    assert answer(text, values).truth is not Truth.TRUE


def test_a_condition_answers_the_same_from_many_threads():
    condition = compiled("git.paths.exists(p, matches_path(p, 'db/**')) && git.signed")
    wanted = {True: Truth.TRUE, False: Truth.FALSE}
    wrong = []

    def ask(signed):
        given = facts({"git.paths": ["a", "db/1"], "git.signed": signed})
        answers = {condition.evaluate(given, {}).truth for _ in range(200)}
        wrong.extend(answers - {wanted[signed]})

    threads = [threading.Thread(target=ask, args=(number % 2 == 0,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_paths_of_a_call_do_not_stay_in_memory():
    twice = compiled("matches_path(git.paths, 'a/**') || matches_path(git.paths, 'db/*')")
    known = facts({"git.paths": [f"src/part{n}/file.py" for n in range(100)] + ["db/1"]})
    assert twice.evaluate(known, {}).truth is Truth.TRUE, "each call has a list of its own"
    tracemalloc.start()
    try:
        for _ in range(200):
            twice.evaluate(known, {})
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 400_000, "the engine keeps every list that it makes"
