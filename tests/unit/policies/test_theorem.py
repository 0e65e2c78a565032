"""Properties of every verdict: knowing less never loosens, order never matters, bytes repeat."""

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.language.evaluate import evaluate
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
}
EFFECTS = {
    "deny": "deny: 'No: {git.head}.'",
    "require": "require: {count: 2, from: [leads, dba]}",
    "approve": "approve: auto",
}


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
    st.tuples(st.sampled_from(["deny", "require"]), tightening()),
    st.tuples(st.just("approve"), combined(ATTESTED)),
)


@st.composite
def policies(draw):
    """One to three policies, each with up to four rules."""
    found = []
    for number in range(draw(st.integers(1, 3))):
        rules = draw(st.lists(RULE, max_size=4))
        named = draw(st.sampled_from(ATTESTED))
        found.append((f"policy-{number}", named, rules))
    return found


def build(sources, *, backwards=False):
    def body(named, rules):
        lines = [
            f'  - {{id: rule-{number}, when: "{when}", {EFFECTS[effect]}}}\n'
            for number, (effect, when) in enumerate(rules)
        ]
        ordered = reversed(lines) if backwards else lines
        head = f'define:\n  named: "{named}"\n'
        return head + ("rules:\n" + "".join(ordered) if lines else "")

    found = [pinned(body(named, rules), name) for name, named, rules in sources]
    return found[::-1] if backwards else found


known_facts = st.fixed_dictionaries({}, optional=VALUES)


@settings(max_examples=80, deadline=None)
@given(policies(), known_facts, st.sets(st.sampled_from([*VALUES, *TARGET])), st.booleans())
def test_a_removed_fact_never_loosens(sources, values, removed, absent):
    judged = build(sources)
    before = facts(values)
    gone = dict.fromkeys(removed, GONE)
    after = before.without(removed) if absent else before.replaced(gone)
    assert at_least_as_strict(evaluate(judged, after), evaluate(judged, before))


@settings(max_examples=50, deadline=None)
@given(policies(), known_facts)
def test_the_order_of_rules_and_policies_never_matters(sources, values):
    forwards = evaluate(build(sources), facts(values))
    backwards = evaluate(build(sources, backwards=True), facts(values))
    assert canonical(forwards.to_json()) == canonical(backwards.to_json())


@settings(max_examples=50, deadline=None)
@given(policies(), known_facts)
def test_judging_twice_gives_identical_bytes(sources, values):
    judged, given_facts = build(sources), facts(values)
    first = canonical(evaluate(judged, given_facts).to_json())
    again = type(given_facts).from_json(given_facts.to_json())
    assert canonical(evaluate(build(sources), again).to_json()) == first


@settings(max_examples=50, deadline=None)
@given(policies(), known_facts)
def test_another_policy_never_loosens(sources, values):
    judged = build(sources)
    fewer = evaluate(judged[:1], facts(values))
    assert at_least_as_strict(evaluate(judged, facts(values)), fewer)


@settings(max_examples=80, deadline=None)
@given(policies(), known_facts, st.sampled_from(["hotfix", "a"]))
def test_one_more_label_never_loosens(sources, values, label):
    judged = build(sources)
    labels = values.get("request.labels", [])
    fewer = facts({**values, "request.labels": labels})
    more = facts({**values, "request.labels": [*labels, label]})
    assert at_least_as_strict(evaluate(judged, more), evaluate(judged, fewer))


@settings(max_examples=80, deadline=None)
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
