"""Properties of every verdict: knowing less never loosens, order never matters, bytes repeat."""

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.language.evaluate import evaluate
from policies.language.facts import Known, Unknown
from policies.language.verdict import at_least_as_strict
from portal.kernel.canonical import canonical
from tests.unit.policies.builders import GONE, PENDING, TARGET, facts, pinned

ATTESTED = [
    "git.signed",
    "git.exists",
    "git.is_head",
    "git.diff_lines > 100",
    "git.files_changed / git.deletions > 1",
    "history.last_outcome == 'failed'",
    "git.paths.exists(p, p == 'a')",
    "git.paths.all(p, git.signed || p == 'a')",
    "matches_path(git.paths, 'db/**')",
    "git.head.matches('^a+$')",
    "request.tier == 'production'",
    "(git.signed ? git.exists : git.is_head)",
    "git.authors.exists_one(a, a == git.author)",
    "metric.error_rate > 0.01",
    "flag.open || text.colour == 'red'",
    "items.regions.all(r, r == 'eu')",
    "ci.state == 'success' && ci.failed.size() == 0",
]
CLAIMS = ["'hotfix' in request.labels", "request.labels.exists(l, l == 'a')", "tests.passed"]
VALUES = {
    "git.signed": st.booleans(),
    "git.exists": st.booleans(),
    "git.is_head": st.booleans(),
    "git.diff_lines": st.sampled_from([0, 100, 101]),
    "git.files_changed": st.sampled_from([0, 1, 9]),
    "git.deletions": st.sampled_from([0, 1, 2]),
    "git.author": st.sampled_from(["ana", "ben"]),
    "git.authors": st.lists(st.sampled_from(["ana", "ben"]), max_size=3),
    "history.last_outcome": st.sampled_from(["none", "failed"]),
    "git.paths": st.lists(st.sampled_from(["a", "b", "db/1"]), max_size=3),
    "git.head": st.sampled_from(["aa", "b"]),
    "request.labels": st.lists(st.sampled_from(["hotfix", "a"]), max_size=2),
    "tests.passed": st.booleans(),
    "metric.error_rate": st.sampled_from([0.0, 0.01, 0.5]),
    "flag.open": st.booleans(),
    "text.colour": st.sampled_from(["red", ""]),
    "items.regions": st.lists(st.sampled_from(["eu", "us"]), max_size=2),
    "ci.state": st.sampled_from(["success", "failure", "none"]),
    "ci.failed": st.lists(st.just("lint"), max_size=1),
}
EFFECTS = {
    "deny": "deny: 'No: {git.head}.'",
    "require": "require: {count: 2, from: [leads, dba]}",
    "order": "require: {count: 2, from: [leads, dba], including: {dba: 1}, sequence: [dba, leads]}",
    "approve": "approve: auto",
    "limit": "limit: {valid_for: 10m, decide_within: 2h}",
    "note": "note: 'Look: {git.head}.'",
}
LEVELS = ["", "level: soft, ", "level: advisory, "]
# Whom else to ask while one of these is not to be had; all else may be removed at will.
NAMED = ["git.signed", "git.paths", "flag.open"]
UNKNOWN = st.sampled_from([GONE, PENDING, Unknown("there is none", "absent")])


def combined(atoms):
    leaves = st.sampled_from([*atoms, "named"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]} && {pair[1]})"),
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]} || {pair[1]})"),
            inner.map(lambda one: f"!({one})"),
        ),
        max_leaves=5,
    )


def tightening():
    """Conditions of deny and require in which claims stand where they tighten."""
    claim = st.sampled_from(CLAIMS)
    return st.one_of(
        combined(ATTESTED),
        st.tuples(combined(ATTESTED), claim).map(lambda pair: f"({pair[0]}) && {pair[1]}"),
        st.tuples(combined(ATTESTED), claim).map(lambda pair: f"({pair[0]}) || {pair[1]}"),
        st.tuples(combined(ATTESTED), claim).map(lambda pair: f"!(!({pair[0]}) && !({pair[1]}))"),
    )


RULE = st.one_of(
    st.tuples(st.sampled_from(["deny", "require", "order"]), tightening(), st.sampled_from(LEVELS)),
    st.tuples(st.sampled_from(["limit", "note"]), tightening(), st.just("")),
    st.tuples(st.just("approve"), combined(ATTESTED), st.just("")),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "risk": tightening().map(lambda when: f'{{high: "{when}", medium: named}}'),
        "step_up": tightening().map(lambda when: f'{{when: "{when}", max_age: 10m}}'),
        "on_unavailable": st.sets(st.sampled_from(NAMED), min_size=1).map(
            lambda names: [
                f"{name}: {{require: {{count: 1, from: [oncall]}}}}" for name in sorted(names)
            ]
        ),
        "escalate": st.sets(st.sampled_from("123"), min_size=1).map(
            lambda hours: [f"{{after: {hour}h, add: [x]}}" for hour in sorted(hours)]
        ),
        "break_glass": st.just("{by: [x], valid_for: 5m, review_within: 1h}"),
        "mode": st.sampled_from(["enforce", "shadow", "off"]),
    },
)
BRACKETS = {"on_unavailable": "{}", "escalate": "[]"}


@st.composite
def policies(draw):
    """One to three policies, each with up to four rules and any of the options."""
    found = []
    for number in range(draw(st.integers(1, 3))):
        rules = draw(st.lists(RULE, max_size=4))
        named = draw(st.sampled_from(ATTESTED))
        found.append((f"policy-{number}", named, rules, draw(OPTIONS)))
    return found


def build(sources, *, backwards=False):
    def ordered(lines):
        return lines[::-1] if backwards else lines

    def body(named, rules, options):
        lines = [
            f'  - {{id: rule-{number}, {level}when: "{when}", {EFFECTS[effect]}}}\n'
            for number, (effect, when, level) in enumerate(rules)
        ]
        for key, value in options.items():
            begin, end = BRACKETS.get(key, ("", ""))
            text = value if isinstance(value, str) else ", ".join(ordered(value))
            yield f"{key}: {begin}{text}{end}\n"
        yield f'define:\n  named: "{named}"\n'
        yield ("rules:\n" + "".join(ordered(lines))) if lines else ""

    return ordered([pinned("".join(body(*parts)), name) for name, *parts in sources])


known_facts = st.fixed_dictionaries({}, optional=VALUES)
some_facts = st.fixed_dictionaries(
    {}, optional={name: st.one_of(values, UNKNOWN) for name, values in VALUES.items()}
)


@settings(max_examples=80)
@given(policies(), some_facts, st.sets(st.sampled_from([*VALUES, *TARGET])), UNKNOWN, st.booleans())
def test_a_removed_fact_never_loosens(sources, values, removed, unknown, gone_entirely):
    if unknown is GONE and not gone_entirely:
        removed -= set(NAMED)  # the one exception, which the author wrote down
    judged = build(sources)
    before = facts(values)
    removed = {name for name in removed if isinstance(before.state(name), Known)}
    after = before.without(removed)
    if not gone_entirely:
        after = before.replaced(dict.fromkeys(removed, unknown))
    strict, loose = evaluate(judged, after), evaluate(judged, before)
    assert at_least_as_strict(strict, loose)
    assert strict.decide_within <= loose.decide_within


@settings(max_examples=30)
@given(policies(), some_facts)
def test_the_order_of_rules_and_policies_never_matters(sources, values):
    forwards = evaluate(build(sources), facts(values))
    backwards = evaluate(build(sources, backwards=True), facts(values))
    assert canonical(forwards.to_json()) == canonical(backwards.to_json())


@settings(max_examples=30)
@given(policies(), some_facts)
def test_judging_twice_gives_identical_bytes(sources, values):
    judged, given_facts = build(sources), facts(values)
    first = canonical(evaluate(judged, given_facts).to_json())
    again = type(given_facts).from_json(given_facts.to_json())
    assert canonical(evaluate(build(sources), again).to_json()) == first


@settings(max_examples=30)
@given(policies(), some_facts)
def test_another_policy_never_loosens(sources, values):
    judged = build(sources)
    fewer = evaluate(judged[:1], facts(values))
    if fewer.policies:  # where none is in force, everything is denied
        assert at_least_as_strict(evaluate(judged, facts(values)), fewer)


@settings(max_examples=50)
@given(policies(), known_facts, st.sampled_from(["hotfix", "a"]))
def test_one_more_label_never_loosens(sources, values, label):
    judged = build(sources)
    labels = values.get("request.labels", [])
    fewer = facts({**values, "request.labels": labels})
    more = facts({**values, "request.labels": [*labels, label]})
    assert at_least_as_strict(evaluate(judged, more), evaluate(judged, fewer))


@settings(max_examples=50)
@given(policies(), known_facts, st.data())
def test_a_settled_verdict_is_not_changed_by_what_was_pending(sources, values, data):
    judged = build(sources)
    fetched = data.draw(st.sets(st.sampled_from(sorted(VALUES))))
    pending = facts({**values, **dict.fromkeys(fetched, PENDING)})
    before = evaluate(judged, pending)
    arrived = {name: data.draw(VALUES[name]) for name in fetched}
    after = evaluate(judged, facts({**values, **arrived}))
    if before.settled:
        assert after.outcome is before.outcome
    if before.settled and before.outcome != "deny":
        assert after.obligations == before.obligations
