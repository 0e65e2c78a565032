"""Levels, limits, notes, risk, shadow and doors: how they combine, within a policy and across."""

import pytest

from policies.language.document import Escalation, PinnedPolicy, Requirement
from policies.language.evaluate import NO_POLICY, evaluate
from policies.language.facts import Unknown
from policies.language.parse import parse_policy
from policies.language.verdict import Note, Obligation, Outcome
from tests.unit.policies.builders import GONE, PENDING, facts, judge, pinned

ABSENT = Unknown("no commit was named", "absent")
AUTO = "  - {id: auto, when: 'true', approve: auto}\n"


def rule(effect, when="git.signed", level="", id_="one"):
    said = f"level: {level}, " if level else ""
    return f'  - {{id: {id_}, {said}when: "{when}", {effect}}}\n'


def rules(*lines, more=""):
    return "rules:\n" + "".join(lines) + more


ONCALL = "on_unavailable: {git.signed: {require: {count: 1, from: [oncall]}}}\n"
GLASS = "break_glass: {by: [oncall], valid_for: 15m, review_within: 24h}\n"


class TestLevels:
    @pytest.mark.parametrize("state", [True, False, GONE, PENDING])
    @pytest.mark.parametrize("effect", ["deny: No.", "require: {count: 1, from: [leads]}"])
    def test_advice_never_binds(self, effect, state):
        advised = judge(rules(AUTO, rule(effect, level="advisory")), {"git.signed": state})
        assert (advised.outcome, advised.obligations, advised.denials) == (Outcome.ALLOW, (), ())
        assert advised.settled
        assert (advised.blocking, advised.unknown) == ((), ())

    @pytest.mark.parametrize("level", ["hard", "soft"])
    def test_hard_and_soft_bind_alike_and_say_which_they_are(self, level):
        denied = judge(rules(AUTO, rule("deny: No.", level=level)), {"git.signed": True})
        assert [(one.sentence, one.level) for one in denied.denials] == [("No.", level)]
        asked = judge(rules(rule("require: {count: 1, from: [leads]}", level=level)),
                      {"git.signed": True})  # fmt: skip
        assert asked.obligations == (Obligation("shop", "one", Requirement(1, ("leads",)), level),)

    @pytest.mark.parametrize(
        ("effect", "said"),
        [
            ("deny: 'Not {git.head}.'", "Advice only; it would deny: Not abc."),
            (
                "require: {count: 2, from: [leads]}",
                "Advice only; it would ask for 2 approvals from leads.",
            ),
            ("note: 'Look at {git.head}.'", "Look at abc."),
        ],
    )
    def test_advice_that_applies_is_a_note_with_what_it_would_have_done(self, effect, said):
        body = rules(AUTO, rule(effect, level="advisory"))
        verdict = judge(body, {"git.signed": True, "git.head": "abc"})
        assert verdict.notes == (Note("shop", "one", said),)
        assert f"shop/one: {said}" in [one.sentence for one in verdict.explanation]
        assert judge(body, {"git.signed": False}).notes == ()
        assert judge(body, {"git.signed": GONE}).notes == ()

    def test_notes_of_joined_policies_are_all_shown(self):
        judged = [pinned(rules(AUTO, rule(f"note: {n}.")), n) for n in ("b", "a")]
        verdict = evaluate(judged, facts({"git.signed": True}))
        assert [(n.policy, n.sentence) for n in verdict.notes] == [("a", "a."), ("b", "b.")]
        twice = [pinned(rules(AUTO, rule("note: Look.")), version=n) for n in (1, 2)]
        assert len(evaluate(twice, facts({"git.signed": True})).notes) == 1, "once is enough"


class TestLimits:
    BODY = rules(AUTO, rule("limit: {valid_for: 10m, decide_within: 2h}"))

    @pytest.mark.parametrize(
        ("state", "times"),
        [(True, (600, 7200)), (GONE, (600, 7200)), (PENDING, (600, 7200)), (False, (3600, 86400))],
    )
    def test_a_limit_counts_when_it_applies_or_cannot_be_told(self, state, times):
        verdict = judge(self.BODY, {"git.signed": state})
        assert (verdict.valid_for, verdict.decide_within) == times
        assert verdict.settled, "what only shortens is not waited for"

    def test_a_limit_never_lengthens(self):
        body = rules(rule("limit: {valid_for: 7d, decide_within: 30d}"))
        verdict = judge(body, {"git.signed": True})
        assert (verdict.valid_for, verdict.decide_within) == (3600, 86400)

    def test_the_shortest_of_all_limits_of_all_policies_counts(self):
        first = rules(
            rule("limit: {valid_for: 10m}", id_="a"),
            rule("limit: {valid_for: 5m}", id_="b"),
            rule("limit: {valid_for: 1m}", "!git.signed", id_="c"),
        )
        second = rules(rule("limit: {decide_within: 3h}"), more="valid_for: 2h\n")
        verdict = evaluate([pinned(first, "a"), pinned(second, "b")], facts({"git.signed": True}))
        assert (verdict.valid_for, verdict.decide_within) == (300, 10_800)

    def test_it_is_explained(self):
        verdict = judge(self.BODY, {"git.signed": GONE})
        said = "limits the time to use it to 600 s and the time to decide to 7200 s"
        assert f"so it {said} to be safe." in verdict.explanation[1].sentence


class TestRisk:
    BODY = "risk: {high: git.signed && git.exists, medium: git.is_head}\n"

    @pytest.mark.parametrize(
        ("values", "risk"),
        [
            ({"git.signed": True, "git.exists": True, "git.is_head": False}, "high"),
            ({"git.signed": True, "git.exists": GONE, "git.is_head": False}, "high"),
            ({"git.signed": False, "git.exists": GONE, "git.is_head": True}, "medium"),
            ({"git.signed": False, "git.exists": True, "git.is_head": PENDING}, "medium"),
            ({"git.signed": False, "git.exists": True, "git.is_head": False}, "low"),
            ({}, "high"),
        ],
    )
    def test_what_cannot_be_told_counts_as_the_higher(self, values, risk):
        verdict = judge(self.BODY, values)
        assert verdict.risk == risk
        assert verdict.settled, "a tag is not waited for"

    def test_who_says_nothing_of_risk_gives_no_tag(self):
        assert judge("").risk == ""

    @pytest.mark.parametrize("other", ["", "risk: {medium: 'true'}\n", "risk: {high: 'false'}\n"])
    def test_the_highest_of_joined_policies_counts(self, other):
        low = pinned("risk: {high: git.signed}\n", "a")
        found = {
            risk: evaluate([low, pinned(other, "b")], facts({"git.signed": risk == "high"})).risk
            for risk in ("high", "low")
        }
        assert found == {"high": "high", "low": "medium" if "medium" in other else "low"}


class TestJoined:
    def test_words_and_numbers_of_joined_policies(self):
        first = "hold: [git.diff_lines]\ntolerate: {git.diff_lines: 5}\non_drift: deny\n"
        second = (
            "hold: [git.diff_lines, git.insertions]\n"
            "tolerate: {git.diff_lines: 2, git.insertions: 3}\nsupersede: environment\n"
            "step_up: {when: 'true', max_age: 10m}\nescalate: [{after: 1h, add: [b]}]\n"
        )
        third = (
            "step_up: {when: 'true', max_age: 5m}\n"
            "escalate: [{after: 30m, notify: [c]}, {after: 1h, add: [b]}]\n"
        )
        judged = [pinned(b, n) for n, b in (("a", first), ("b", second), ("c", third))]
        for order in (judged, judged[::-1]):
            verdict = evaluate(order, facts())
            assert verdict.hold == ("git.diff_lines", "git.insertions")
            assert verdict.tolerate == (("git.diff_lines", 2.0), ("git.insertions", 3.0))
            assert (verdict.on_drift, verdict.supersede, verdict.step_up) == (
                "deny", "environment", 300,
            )  # fmt: skip
            assert verdict.escalate == (
                Escalation(1800, ("c",), ()),
                Escalation(3600, (), ("b",)),
            )

    def test_who_holds_and_tolerates_nothing_lets_nothing_move(self):
        loose = pinned("hold: [git.diff_lines]\ntolerate: {git.diff_lines: 5}\n", "a")
        strict = pinned("hold: [git.diff_lines]\n", "b")
        other = pinned("hold: [git.head]\n", "c")
        assert evaluate([loose, strict], facts()).tolerate == ()
        assert evaluate([loose, other], facts()).tolerate == (("git.diff_lines", 5.0),)

    @pytest.mark.parametrize(("state", "age"), [(True, 600), (GONE, 600), (False, 0)])
    def test_a_second_factor_is_asked_for_when_it_cannot_be_told(self, state, age):
        body = "step_up: {when: git.signed, max_age: 10m}\n"
        assert judge(body, {"git.signed": state}).step_up == age

    def test_self_approval_needs_everybody_who_asks(self):
        allows = "default: {require: {count: 1, from: [x], self_approval: true}}\n"
        head = "policy: {}\nfacts: v1\nmatch: {{projects: ['**'], environments: ['**'], "
        head += "actions: ['**']}}\n"
        first = PinnedPolicy(parse_policy(head.format("a") + allows), 1, "sha256:1")
        assert evaluate([first], facts()).self_approval
        assert not evaluate([first, pinned(name="b")], facts()).self_approval
        assert evaluate([first, pinned(rules(AUTO), "b")], facts()).self_approval
        assert not evaluate([pinned(rules(AUTO))], facts()).self_approval


class TestShadow:
    DENY = "mode: shadow\n" + rules(rule("deny: 'Not {git.head}.'"))

    @pytest.mark.parametrize("state", [True, False, GONE, PENDING])
    def test_shadow_never_binds_and_is_recorded(self, state):
        real = pinned(rules(AUTO), "real")
        values = facts({"git.signed": state, "git.head": "abc"})
        alone = evaluate([real], values)
        verdict = evaluate([real, pinned(self.DENY, "idea")], values)
        form, without = verdict.to_json(), alone.to_json()
        (shown,) = form.pop("shadow")
        without.pop("shadow")
        assert form == without
        assert (shown["policy"], shown["version"]) == ("idea", 1)
        outcomes = {True: "deny", False: "review", GONE: "blocked", PENDING: "blocked"}
        assert shown["outcome"] == outcomes[state]
        assert [d["sentence"] for d in shown["denials"]] == (["Not abc."] if state is True else [])
        assert [o["rule"] for o in shown["obligations"]] == ["default"]

    def test_off_is_as_if_it_were_not_there(self):
        real, off = pinned(rules(AUTO), "real"), pinned("mode: off\n", "off")
        assert evaluate([real, off], facts()) == evaluate([real], facts())
        assert evaluate([off], facts()).sentences() == (NO_POLICY,)

    def test_where_only_shadows_match_nothing_does(self):
        verdict = evaluate([pinned("mode: shadow\n" + rules(AUTO))], facts())
        assert (verdict.outcome, verdict.sentences()) == (Outcome.DENY, (NO_POLICY,))
        assert [one.outcome for one in verdict.shadow] == [Outcome.ALLOW]
        assert verdict.policies == ()


class TestUnavailable:
    BODY = rules(AUTO, rule("deny: No.", "!git.signed || git.exists"), more=ONCALL)

    @pytest.mark.parametrize(
        ("signed", "exists", "outcome"),
        [
            (GONE, False, "review"),
            (PENDING, False, "blocked"),
            (ABSENT, False, "blocked"),  # nobody failed: the caller may have chosen it
            (GONE, True, "deny"),
            (True, GONE, "blocked"),  # a fact that is not named
            (GONE, GONE, "blocked"),
            (GONE, PENDING, "blocked"),
            (True, False, "allow"),
            (False, False, "deny"),
        ],
    )
    def test_people_are_asked_only_where_every_missing_fact_is_named(self, signed, exists, outcome):
        verdict = judge(self.BODY, {"git.signed": signed, "git.exists": exists})
        assert verdict.outcome == outcome
        oncall = (Obligation("shop", "one", Requirement(1, ("oncall",))),)
        assert verdict.obligations == (oncall if outcome == "review" else ())

    def test_each_missing_fact_asks_its_people(self):
        body = self.BODY.replace(ONCALL, ONCALL.replace(
            "}}}\n", "}}, git.exists: {require: {count: 2, from: [dba]}}}\n"))  # fmt: skip
        verdict = judge(body, {"git.signed": GONE, "git.exists": GONE})
        assert [(o.rule, o.asked.count, o.asked.groups) for o in verdict.obligations] == [
            ("one", 1, ("oncall",)), ("one", 2, ("dba",)),
        ]  # fmt: skip
        assert judge(body, {"git.signed": GONE, "git.exists": PENDING}).outcome == "blocked"

    def test_a_condition_that_cannot_be_computed_still_blocks(self):
        body = rules(rule("deny: No.", "1 / git.deletions > 2"), more=ONCALL)
        assert judge(body, {"git.deletions": 0}).outcome == "blocked"

    def test_another_policy_without_the_word_still_blocks(self):
        strict = pinned(rules(AUTO, rule("deny: No.", "!git.signed")), "strict")
        loose = pinned(rules(AUTO, rule("deny: No.", "!git.signed"), more=ONCALL), "loose")
        values = facts({"git.signed": GONE})
        assert evaluate([loose], values).outcome == "review"
        assert evaluate([loose, strict], values).outcome == "blocked"

    def test_it_is_explained_with_what_would_make_it_pass(self):
        verdict = judge(self.BODY, {"git.signed": GONE, "git.exists": False})
        told = next(one for one in verdict.explanation if one.rule == "one")
        assert told.sentence == (
            "shop/one: cannot tell, git.signed is unknown (the source failed), so it asks for"
            " 1 approval from oncall instead."
        )
        assert told.remedy == "1 approval from oncall."


class TestRemedies:
    @pytest.mark.parametrize(
        ("effect", "state", "remedy"),
        [
            ("deny: No.", True, "When this is false: git.signed. Now git.signed is true."),
            ("deny: No.", False, ""),
            ("deny: No.", GONE, "Once git.signed can be told, and this is false: git.signed."),
            ("require: {count: 2, from: [dba, x], including: {dba: 1}}", GONE,
             "2 approvals from dba or x, 1 of them from dba."),
            ("require: {count: 2, from: [dba, x], sequence: [x, dba]}", True,
             "2 approvals from dba or x, first x, then dba."),
            ("require: {count: 1, from: [x]}", False, ""),
            ("approve: auto", True, ""),
            ("approve: auto", GONE, ""),
            ("limit: {valid_for: 1m}", True, ""),
            ("note: Look.", True, ""),
        ],
    )  # fmt: skip
    def test_a_rule_says_what_would_make_it_pass(self, effect, state, remedy):
        verdict = judge(rules(rule(effect)), {"git.signed": state})
        assert verdict.explanation[0].remedy == remedy

    def test_advice_is_in_nobodys_way(self):
        verdict = judge(rules(rule("deny: No.", level="advisory")), {"git.signed": True})
        assert verdict.explanation[0].remedy == ""

    def test_the_default_says_who(self):
        assert judge("").explanation[-1].remedy == "1 approval from anyone."
        assert judge(rules(AUTO)).explanation[-1].remedy == ""


class TestDoors:
    SOFT = rule("deny: No.", level="soft")

    @pytest.mark.parametrize(
        ("lines", "signed", "open_"),
        [
            ([AUTO, SOFT], True, True),
            ([AUTO, SOFT], GONE, True),
            ([AUTO, SOFT], False, False),  # nothing stands in the way
            ([AUTO, rule("deny: No.")], True, False),
            ([AUTO, rule("deny: No.")], GONE, False),
            ([SOFT], True, False),  # the default asks, and the default is hard
            ([AUTO, SOFT, rule("deny: No.", id_="two")], True, False),
            ([rule("require: {count: 1, from: [x]}", level="soft")], True, True),
            ([rule("require: {count: 1, from: [x]}", level="soft"), SOFT.replace("one", "two")],
             True, True),
            ([rule("require: {count: 1, from: [x]}", level="hard"), SOFT.replace("one", "two")],
             True, False),
            ([AUTO, SOFT, rule("deny: No.", level="advisory", id_="two")], True, True),
        ],
    )  # fmt: skip
    def test_there_is_a_door_only_while_nothing_hard_stands_in_the_way(self, lines, signed, open_):
        verdict = judge(rules(*lines, more=GLASS), {"git.signed": signed})
        assert [door.by for door in verdict.glass] == ([("oncall",)] if open_ else [])

    def test_whoever_stands_in_the_way_must_have_a_door(self):
        with_door = pinned(rules(AUTO, self.SOFT, more=GLASS), "a")
        without = pinned(rules(AUTO, self.SOFT), "b")
        aside = pinned(rules(AUTO), "c")
        values = facts({"git.signed": True})
        assert len(evaluate([with_door, aside], values).glass) == 1
        assert evaluate([with_door, without], values).glass == ()
        two = evaluate([with_door, pinned(rules(AUTO, self.SOFT, more=GLASS), "b")], values)
        assert [door.policy for door in two.glass] == ["a", "b"]
