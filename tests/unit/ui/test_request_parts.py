import pytest
from django.template import Context, Template

from approvals.queries.facts import FactRow
from approvals.states import PermitStatus
from approvals.templatetags.requests import PERMIT_STATES, STATES


def render(text, **context):
    return Template("{% load requests %}" + text).render(Context(context))


def fact(**fields):
    values = {
        "name": "git.head", "label": "Tip", "value": "abc", "status": "holds", "source": "git",
        "observed_at": None, "provenance": "attested", "changed": False, "old": None,
        "changed_at": None, "held": False, "reason": "", "used": True,
    }  # fmt: skip
    return FactRow(**{**values, **fields})


@pytest.mark.parametrize("key", sorted(STATES))
def test_every_state_has_an_icon_that_exists_and_its_word(key):
    html = render("{% state key 'the word' %}", key=key)
    assert "<svg" in html
    assert "the word" in html


def test_every_permit_status_has_a_tag():
    assert set(PERMIT_STATES) == {status.value for status in PermitStatus}
    for status in PERMIT_STATES:
        assert "<svg" in render("{% permit_state status %}", status=status)


def test_an_unknown_state_fails_at_once():
    with pytest.raises(KeyError):
        render("{% state 'sleeping' 'x' %}")


@pytest.mark.parametrize(
    ("fields", "colour", "label"),
    [
        ({}, "ok", "holds"),
        ({"used": False}, "idle", "known; no rule reads it"),
        ({"status": "unknown"}, "idle", "unknown"),
        ({"status": "fails", "used": False}, "bad", "fails"),
        ({"status": "reading"}, "info", "being read"),
    ],
)
def test_a_fact_is_green_only_where_a_rule_reads_it_and_it_holds(fields, colour, label):
    html = render("{% fact_mark fact %}", fact=fact(**fields))
    assert f'class="{colour}"' in html
    assert f'aria-label="{label}"' in html


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("9f3c1ab" + "0" * 33, "9f3c1ab00000"),
        ("sha256:" + "7be1" * 16, "sha256:7be17be1…7be1"),
        ("refs/heads/main", "refs/heads/main"),
        ("sha256:short", "sha256:short"),
    ],
)
def test_digests_are_short_with_the_whole_in_reach(value, shown):
    html = render("{% digest value %}", value=value)
    assert f">{shown}</code>" in html
    assert f'title="{value}"' in html


def test_a_fact_s_value_is_escaped_and_made_visible():
    html = render("{% fact_value value %}", value="<i>\u200bx")
    assert html == "&lt;i&gt;⟨U+200B⟩x"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unknown"),
        (True, "yes"),
        (False, "no"),
        ([], "none"),
        (["a", "<b>"], "a, &lt;b&gt;"),
        (3, "3"),
    ],
)
def test_a_side_of_a_drift_is_in_words(value, shown):
    assert render("{% drift_value value %}", value=value) == shown


@pytest.mark.parametrize(
    ("given", "needed", "filled", "all_"), [(0, 1, 0, 1), (1, 2, 1, 2), (3, 2, 2, 2), (0, 9, 0, 0)]
)
def test_a_dot_for_each_approval_unless_there_are_many(given, needed, filled, all_):
    html = render("{% dots given needed %}", given=given, needed=needed)
    assert html.count("<svg") == all_
    assert html.count('class="i xs on"') == filled


def test_an_unknown_action_has_a_plain_icon():
    assert render("{% action_icon 'deploy' %}") != render("{% action_icon 'dance' %}")
    assert "<svg" in render("{% action_icon 'dance' %}")
