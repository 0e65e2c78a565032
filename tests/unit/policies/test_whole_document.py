# ruff: noqa: E501  (a table of mistakes, one a line)
"""Every key beside match, rules and default: what it gives, and each mistake at its place."""

import pytest

from policies.language.document import BreakGlass, Escalation, Limit, Requirement
from policies.language.parse import parse_policy
from tests.unit.policies.builders import document, problems, problems_of

WHOLE = """\
policy: payments
facts: v1
mode: shadow
match: {projects: ["**"], environments: ["*"], actions: [deploy]}
define:
  prod: request.tier == 'production'
rules:
  - id: unsigned
    level: soft
    when: "!git.signed"
    deny: Not signed.
  - id: lead
    when: prod
    require: {count: 1, from: [leads], self_approval: true}
  - id: db
    level: hard
    when: prod && git.exists
    require: {count: 3, from: [leads, dba], including: {dba: 2}, sequence: [dba, leads], distinct_across: [lead]}
  - id: short
    when: prod
    limit: {valid_for: 30m, decide_within: 1h}
  - id: large
    level: advisory
    when: git.diff_lines > 2000
    note: Very large ({git.diff_lines} lines).
default: {require: {count: 1, from: [leads]}}
risk: {high: prod && git.diff_lines > 400, medium: prod}
decide_within: 8h
valid_for: 2h
hold: [git.head, git.diff_lines]
tolerate: {git.diff_lines: 10}
on_unavailable: {git.signed: {require: {count: 1, from: [oncall]}}}
on_drift: deny
supersede: environment
step_up: {when: prod, max_age: 10m}
break_glass: {by: [oncall], reason_min: 20, lifts: soft, valid_for: 15m, notify: [security], review_within: 24h}
escalate: [{after: 2h, add: [platform]}, {after: 30m, notify: [leads]}]
tests:
  - name: unknown
    given: {request.tier: production, git.paths: ~}
    expect: {verdict: review, because: [db, lead], risk: high, valid_for: 30m}
"""


def test_every_key_is_read():
    policy = parse_policy(WHOLE)
    unsigned, lead, db, short, large = policy.rules
    assert (policy.mode, policy.on_drift, policy.supersede) == ("shadow", "deny", "environment")
    assert [rule.level for rule in policy.rules] == ["soft", "hard", "hard", "hard", "advisory"]
    assert [rule.binding for rule in policy.rules] == [True, True, True, True, False]
    assert lead.requirement.self_approval
    assert db.requirement == Requirement(
        3, ("dba", "leads"), (("dba", 2),), ("dba", "leads"), ("lead",)
    )
    assert short.limit == Limit(1800, 3600)
    assert large.sentence.text == "Very large ({git.diff_lines} lines)."
    assert policy.tolerate == (("git.diff_lines", 10.0),)
    assert policy.on_unavailable == (("git.signed", Requirement(1, ("oncall",))),)
    assert policy.step_up.max_age == 600
    assert policy.break_glass == BreakGlass(("oncall",), 20, 900, ("security",), 86_400)
    assert policy.escalate == (
        Escalation(1800, ("leads",), ()),
        Escalation(7200, (), ("platform",)),
    )
    assert policy.groups == {"leads", "dba", "oncall", "security", "platform"}
    assert unsigned.sentence.text == "Not signed."
    (case,) = policy.tests
    assert (case.name, case.line, case.column) == ("unknown", 39, 5)
    assert case.given == (("request.tier", "production"), ("git.paths", None))
    assert (case.verdict, case.because, case.risk, case.valid_for) == (
        "review", ("db", "lead"), "high", 1800,
    )  # fmt: skip


def test_what_only_people_are_shown_is_read_but_not_needed():
    policy = parse_policy(WHOLE)
    shown = {"git.diff_lines"}  # held here as well
    assert policy.needs == policy.reads == {
        *shown, "request.tier", "git.signed", "git.exists", "git.head",
    }  # fmt: skip
    bare = parse_policy(WHOLE.replace("hold: [git.head, git.diff_lines]\n", "").replace(
        "tolerate: {git.diff_lines: 10}\n", ""))  # fmt: skip
    assert bare.reads - bare.needs == shown


def test_what_is_not_written_has_its_default():
    policy = document()
    assert (policy.mode, policy.on_drift, policy.supersede) == ("enforce", "requeue", "none")
    assert policy.risk.conditions == policy.tolerate == policy.on_unavailable == ()
    assert policy.step_up is policy.break_glass is None
    assert policy.escalate == policy.tests == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "said"),
    [
        ("mode: shadow", "mode: shadwo", 3, 7, "one of enforce, shadow, off; did you mean 'shadow'"),
        ("mode: shadow", "mode: [shadow]", 3, 7, "mode must be one of"),
        ("mode:", "moed:", 3, 1, "did you mean 'mode'?"),
        ("level: soft", "level: sotf", 9, 12, "level of 'unsigned' must be one of"),
        ("level: soft", "levle: soft", 9, 5, "did you mean 'level'?"),
        ("level: advisory", "level: hard", 23, 12, "a note is advisory"),
        ("valid_for: 30m, decide", "valid_fro: 30m, decide", 21, 13, "did you mean 'valid_for'?"),
        ("valid_for: 30m, decide", "valid_for: 8d, decide", 21, 24, "from 10s to 7d"),
        ("decide_within: 1h", "decide_within: 1", 21, 44, "a duration such as 30m"),
        ("limit: {valid_for: 30m, decide_within: 1h}", "limit: {}", 21, 12, "limit of 'short' is empty"),
        ("limit: {valid_for: 30m, decide_within: 1h}", "limit: 30m", 21, 12, "must be a mapping of"),
        ("{git.diff_lines} lines", "{git.dif_lines} lines", 25, 24, "did you mean 'git.diff_lines'?"),
        ("including: {dba: 2}", "including: {dbaa: 2}", 18, 57, "did you mean 'dba'?"),
        ("including: {dba: 2}", "including: {dba: 4}", 18, 56, "more people than count, which is 3"),
        ("including: {dba: 2}", "including: {dba: 0}", 18, 62, "whole number from 1 to 20"),
        ("including: {dba: 2}", "including: [dba]", 18, 56, "including must be a mapping"),
        ("including: {dba: 2}", "includng: {dba: 2}", 18, 45, "did you mean 'including'?"),
        ("sequence: [dba, leads]", "sequence: [dab, leads]", 18, 77, "did you mean 'dba'?"),
        ("sequence: [dba, leads]", "sequence: [dba]", 18, 76, "at least two groups"),
        ("sequence: [dba, leads]", "sequence: [dba, dba]", 18, 82, "'dba' is there twice"),
        ("count: 3", "count: 2", 18, 76, "each group of the sequence needs a person: 3, but count is 2"),
        ("distinct_across: [lead]", "distinct_across: [laed]", 18, 108, "did you mean 'lead'?"),
        ("distinct_across: [lead]", "distinct_across: [unsigned]", 18, 108, "no require rule 'unsigned'"),
        ("distinct_across: [lead]", "distinct_across: [db]", 18, 108, "not the rule itself"),
        ("distinct_across: [lead]", "distinct_across: lead", 18, 107, "must be a list"),
        ("self_approval: true", "self_approval: yes", 14, 55, "one of true, false"),
        ("self_approval: true", "self_approval: 'true'", 14, 55, "without quotes"),
        ("risk: {high: prod &&", "risk: {high: prdo &&", 27, 14, "did you mean 'prod'?"),
        ("risk: {high:", "risk: {hihg:", 27, 8, "did you mean 'high'?"),
        ("risk: {high: prod && git.diff_lines > 400, medium: prod}", "risk: high", 27, 7, "risk must be a mapping"),
        ("tolerate: {git.diff_lines: 10}", "tolerate: {git.diff_line: 10}", 31, 12, "did you mean 'git.diff_lines'?"),
        ("tolerate: {git.diff_lines: 10}", "tolerate: {git.head: 10}", 31, 12, "only numbers"),
        ("tolerate: {git.diff_lines: 10}", "tolerate: {git.insertions: 10}", 31, 12, "name it in hold too"),
        ("git.diff_lines: 10", "git.diff_lines: -1", 31, 28, "a number such as 5 or 0.002"),
        ("git.diff_lines: 10", "git.diff_lines: 1e3", 31, 28, "a number such as 5 or 0.002"),
        ("git.diff_lines: 10", "git.diff_lines: '10'", 31, 28, "a number such as 5 or 0.002"),
        ("on_unavailable: {git.signed", "on_unavailable: {git.singed", 32, 18, "did you mean 'git.signed'?"),
        ("on_unavailable: {git.signed", "on_unavailable: {tests.passed", 32, 18, "whoever leaves it out"),
        ("{require: {count: 1, from: [oncall]}}", "{deny: {count: 1}}", 32, 31, "unknown key 'deny'"),
        ("{require: {count: 1, from: [oncall]}}", "{require: {count: 1}}", 32, 40, "on_unavailable git.signed' has no from"),
        ("on_drift: deny", "on_drift: dney", 33, 11, "one of requeue, deny; did you mean 'deny'?"),
        ("supersede: environment", "supersede: enviroment", 34, 12, "did you mean 'environment'?"),
        ("step_up: {when: prod, max_age: 10m}", "step_up: {when: prod}", 35, 10, "step_up has no max_age"),
        ("step_up: {when: prod, max_age: 10m}", "step_up: {when: prdo, max_age: 10m}", 35, 17, "did you mean 'prod'?"),
        ("max_age: 10m", "max_age: 2d", 35, 32, "from 1m to 1d"),
        ("break_glass: {by: [oncall], ", "break_glass: {", 36, 14, "break_glass has no 'by'"),
        ("reason_min: 20", "reason_min: 0", 36, 41, "whole number from 1 to 1000"),
        ("lifts: soft", "lifts: hard", 36, 52, "lifts must be one of soft"),
        ("notify: [security]", "notify: []", 36, 82, "notify is empty"),
        ("review_within: 24h", "review_within: 30m", 36, 109, "from 1h to 30d"),
        ("{after: 2h, add: [platform]}", "{add: [platform]}", 37, 12, "has 'after', and 'notify' or 'add'"),
        ("{after: 2h, add: [platform]}", "{after: 2h}", 37, 12, "has 'after', and 'notify' or 'add'"),
        ("{after: 2h, add: [platform]}", "{after: 2h, ad: [platform]}", 37, 24, "did you mean 'add'?"),
        ("escalate: [{after: 2h", "escalate: [{after: 1s", 37, 20, "from 1m to 30d"),
        ("  - name: unknown\n    given", "  - given", 39, 5, "a test has no name"),
        ("given: {request.tier", "given: {request.teir", 40, 13, "did you mean 'request.tier'?"),
        ("request.tier: production, git", "request.tier: prod, git", 40, 27, "must be one of production"),
        ("git.paths: ~", "git.diff_lines: many", 40, 55, "must be a whole number"),
        ("git.paths: ~", "git.paths: a", 40, 50, "must be a list of texts"),
        ("git.paths: ~", "git.paths: [[a]]", 40, 50, "must be a list of texts"),
        ("git.paths: ~", "git.signed: yes", 40, 51, "must be true or false"),
        ("verdict: review", "verdict: reveiw", 41, 23, "did you mean 'review'?"),
        ("verdict: review, ", "", 41, 13, "expect has no 'verdict'"),
        ("because: [db, lead]", "because: db", 41, 40, "because must be a list"),
        ("risk: high, valid", "risk: hihg, valid", 41, 58, "did you mean 'high'?"),
        ("valid_for: 30m}\n", "valid_for: 30}\n", 41, 75, "a duration such as 30m"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_line_and_column(old, new, line, column, said):
    head, there, tail = WHOLE.rpartition(old)
    assert there
    found = problems(head + new + tail)
    told = [one for one in found if said in one.message]
    assert told, [str(one) for one in found]
    assert (told[0].line, told[0].column) == (line, column)
    assert len(found) <= 2


@pytest.mark.parametrize("level", ["soft", "advisory"])
@pytest.mark.parametrize("effect", ["approve: auto", "limit: {valid_for: 1m}"])
def test_what_nobody_can_lift_has_no_level(effect, level):
    body = f"rules:\n  - {{id: a, level: {level}, when: 'true', {effect}}}\n"
    (found,) = problems_of(body)
    assert "rule has no level: there is nothing to lift" in found.message


@pytest.mark.parametrize(
    "where",
    [
        "on_unavailable: {git.signed: {require: {count: 1, from: [x], distinct_across: [gone]}}}",
        "rules: [{id: a, when: 'true', require: {count: 1, from: [x], distinct_across: [gone]}}]",
    ],
)
def test_other_rules_must_be_there_wherever_they_are_named(where):
    (found,) = problems_of(where + "\n")
    assert found.message.startswith("distinct_across: no require rule 'gone'")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("escalate: [" + ", ".join(["{after: 1h, add: [x]}"] * 11) + "]\n", "too many steps"),
        (
            "tests:\n" + "  - {name: a, given: {}, expect: {verdict: deny}}\n" * 201,
            "too many tests; at most 200",
        ),
        (
            f"tests:\n  - {{name: {'x' * 201}, given: {{}}, expect: {{verdict: deny}}}}\n",
            "at most 200 characters",
        ),
    ],
)
def test_there_is_an_end_to_everything(body, said):
    assert said in problems_of(body)[0].message


CLAIMED = [
    "rules: [{id: a, when: WHEN, limit: {valid_for: 10m}}]",
    "risk: {high: WHEN}",
    "risk: {medium: WHEN}",
    "step_up: {when: WHEN, max_age: 10m}",
    "rules: [{id: a, level: soft, when: WHEN, deny: No.}]",
    "rules: [{id: a, when: WHEN, require: {count: 1, from: [x]}}]",
]


@pytest.mark.parametrize("place", CLAIMED)
def test_a_claim_may_tighten_but_not_loosen_there(place):
    tightens = "\"'hotfix' in request.labels\""
    loosens = "\"!('hotfix' in request.labels)\""
    document(place.replace("WHEN", tightens) + "\n")
    (found,) = problems_of(place.replace("WHEN", loosens) + "\n")
    assert "the claimed fact request.labels could loosen" in found.message


def test_a_note_decides_nothing_so_it_may_read_what_it_likes():
    document("rules: [{id: a, when: \"!('hotfix' in request.labels)\", note: No hotfix.}]\n")
