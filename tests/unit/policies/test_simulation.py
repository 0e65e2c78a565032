"""Replaying one stored request: what was said then, what a proposed version would say."""

import orjson
import pytest

from policies.language.document import DEFAULT_RULE
from policies.replaying import answer, ask
from policies.simulation import Change, Stored, Totals, replay, touches
from tests.unit.policies.builders import GONE, HEAD, PENDING, TARGET, facts, pinned

ONE = "rules:\n  - {id: prod, when: \"request.tier == 'production'\", require: %s}\n"
AUTO = "rules:\n  - {id: auto, when: \"request.tier == 'production'\", approve: auto}\n"
LARGE = 'rules:\n  - {id: large, when: "git.diff_lines > 10", deny: Too large.}\n'
ASKED = {
    "policy": "shop",
    "rule": "lead",
    "level": "hard",
    "count": 1,
    "groups": ["leads"],
    "including": {},
    "sequence": [],
    "distinct_across": [],
    "self_approval": False,
}


def stored(outcome="review", obligations=(ASKED,), values=None, policies=(("shop", "then"),)):
    asked = obligations if outcome == "review" else ()
    return Stored("shop", "production", "deploy", outcome, policies, asked, known(values))


def known(values=None):
    return facts(values).to_json()


def asking(count=1, groups="[leads]"):
    return pinned(ONE % f"{{count: {count}, from: {groups}}}", version=2)


@pytest.mark.parametrize(
    ("proposed", "change", "loosens"),
    [
        (asking(), "review-review", False),
        (asking(2), "review-review-more", False),
        (asking(1, "[dba]"), "review-review-other", False),
        (pinned(AUTO, version=2), "review-allow", True),
        (pinned(LARGE, version=2), "review-blocked", False),
    ],
)
def test_the_old_verdict_is_what_was_stored_and_the_new_one_is_judged(proposed, change, loosens):
    found = replay(proposed, [], stored()).change
    assert (str(found), found.loosens, found.differs) == (
        change,
        loosens,
        change != "review-review",
    )
    assert Change.read(change) == found


def test_a_rule_of_another_name_that_asks_the_same_is_no_change():
    assert not replay(asking(), [], stored(obligations=[{**ASKED, "rule": "old"}])).change.differs


def test_fewer_people_is_looser_and_counted():
    found = replay(asking(), [], stored(obligations=[ASKED, {**ASKED, "rule": "two", "count": 2}]))
    assert (str(found.change), found.change.loosens, found.people) == (
        "review-review-fewer",
        True,
        (3, 1),
    )


def test_the_other_policies_of_then_still_speak():
    other = pinned(ONE % "{count: 1, from: [dba]}", name="everywhere")
    found = replay(pinned(AUTO, version=2), [other], stored())
    assert str(found.change) == "review-review-other"
    assert {rule.rule for rule in found.rules} == {"auto", DEFAULT_RULE}, "of the proposed only"


def test_a_policy_that_took_no_part_is_added_where_it_matches():
    alone = stored("deny", policies=())
    assert touches(asking(), alone)
    assert str(replay(asking(), [], alone).change) == "deny-review"


def test_what_neither_version_matches_is_not_touched():
    elsewhere = pinned(version=2)
    narrow = HEAD.format(name="shop").replace("projects: ['**']", "projects: [bank]")
    line = ask((narrow, 2, "d"), {}, [row(stored(policies=(("other", "then"),)))])
    assert orjson.loads(answer(line))["totals"]["touched"] == 0
    assert touches(elsewhere, stored(policies=(("other", "then"),)))


def test_a_target_that_only_the_old_version_matched_is_denied_then():
    narrow = HEAD.format(name="shop").replace("projects: ['**']", "projects: [bank]")
    found = orjson.loads(answer(ask((narrow, 2, "d"), {}, [row(stored())])))
    assert found["totals"]["changes"] == {"review-deny": 1}


@pytest.mark.parametrize("values", [{}, {"git.diff_lines": GONE}, {"git.diff_lines": PENDING}])
def test_a_fact_nobody_knew_then_is_missing_and_the_verdict_rests_on_it(values):
    found = replay(pinned(LARGE, version=2), [], stored(values=values))
    assert (found.missing, found.unsure) == (("git.diff_lines",), True)
    assert {rule.rule: rule.result for rule in found.rules}["large"] == "cannot_tell"


def test_a_fact_that_was_not_read_then_is_neither_awaited_nor_taken_for_a_failed_source():
    body = LARGE + "on_unavailable: {git.diff_lines: {require: {count: 1, from: [leads]}}}\n"
    asked_instead = {
        name: replay(pinned(body, version=2), [], stored(values={"git.diff_lines": state}))
        for name, state in (("pending", PENDING), ("failed", GONE))
    }
    assert asked_instead["pending"].change.new == "blocked"
    assert asked_instead["failed"].change.new == "review"


def test_a_version_in_shadow_binds_nobody_but_its_rules_are_counted():
    shadow = pinned("mode: shadow\n" + LARGE, version=2)
    other = pinned(ONE % "{count: 1, from: [leads]}", name="everywhere")
    found = replay(shadow, [other], stored(values={"git.diff_lines": 50}))
    assert not found.change.differs
    assert {rule.rule: rule.result for rule in found.rules}["large"] == "applies"


def test_a_version_that_is_off_takes_no_part_at_all():
    off = pinned("mode: off\n" + LARGE, version=2)
    found = replay(off, [], stored())
    assert (str(found.change), found.rules) == ("review-deny", ())


def row(one: Stored):
    refs = [{"policy": name, "digest": digest} for name, digest in one.policies]
    texts = [orjson.dumps(part).decode() for part in (refs, one.obligations, one.facts)]
    return (one.project, one.environment, one.action, one.outcome, *texts)


def test_parts_add_up_to_the_whole_in_any_order():
    text = HEAD.format(name="shop") + LARGE
    rows = [row(stored(values={"git.diff_lines": n})) for n in range(20)]
    rows.append(row(stored(values={})))

    def sums(*parts):
        total = Totals()
        for part in parts:
            found = orjson.loads(answer(ask((text, 2, "d"), {}, part)))
            total.merge(Totals.from_json(found["totals"]))
        return total.to_json()

    assert sums(rows) == sums(rows[15:], rows[:7], rows[7:15])
    assert sums(rows)["changes"] == {
        "review-deny": 9,
        "review-review-other": 11,
        "review-blocked": 1,
    }
    assert Totals.from_json(sums(rows)).to_json() == sums(rows)


def test_what_cannot_be_read_any_more_is_counted_and_changes_nothing():
    text = HEAD.format(name="shop")
    facts_of_then = {**known(), "request.project": 1}
    damaged = (*row(stored())[:-1], orjson.dumps(facts_of_then).decode())
    gone = row(stored(policies=(("shop", "then"), ("gone", "nowhere"))))
    never = ("shop", "production", "deploy", None, "", "", "")
    found = orjson.loads(answer(ask((text, 2, "d"), {}, [gone, never, damaged])))
    totals = found["totals"]
    assert (totals["requests"], totals["unreadable"], totals["touched"]) == (3, 2, 0)
    assert found["changed"] == []


def test_no_more_of_a_snapshot_is_read_than_the_policies_read():
    values = {**known(), "git.paths": "damaged, but nobody reads it"}
    one = Stored("shop", "production", "deploy", "review", (("shop", "then"),), [ASKED], values)
    assert not replay(asking(), [], one).change.differs
    assert set(TARGET) <= set(values)
