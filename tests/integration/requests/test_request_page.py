import uuid

import pytest

from tests.factories import ask, decide, redeem
from tests.integration.pages import as_, text


def test_facts_requirements_and_history_stand_on_one_page(who):
    request = ask(who)
    page = text(as_(who.alice).get(f"/requests/{request.id}"))
    assert "Deploy shop to production" in page
    assert "Waiting · 0 of 1" in page
    assert "1 approval by team-leads" in page
    assert "refs/heads/main" in page
    assert "You approve exactly" in page
    assert "once, within 1 h" in page
    assert "History" in page


def test_missing_and_invisible_are_the_same_answer(who):
    request = ask(who)
    mallory = as_(who.mallory)
    hidden = mallory.get(f"/requests/{request.id}")
    missing = mallory.get(f"/requests/{uuid.uuid4()}")
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert text(hidden) == text(missing)


def test_who_may_not_decide_reads_why_and_sees_no_button(who):
    request = ask(who)
    response = as_(who.carol).get(f"/requests/{request.id}")
    assert "You cannot decide on this: you own the service account that asked." in text(response)
    assert 'name="outcome"' not in response.content.decode()


def test_the_form_carries_the_digest_of_the_facts_on_the_screen(who):
    request = ask(who)
    body = as_(who.alice).get(f"/requests/{request.id}").content.decode()
    assert f'name="snapshot" value="{request.snapshot.digest}"' in body


def test_the_live_parts_leave_the_comment_alone(who):
    request = ask(who)
    body = as_(who.alice).get(f"/requests/{request.id}/live").content.decode()
    assert "<!doctype" not in body
    assert body.count("hx-swap-oob") == 8
    assert "<textarea" not in body


def test_a_reason_is_shown_with_hidden_characters_visible_and_markup_as_text(who):
    request = ask(who, reason="<img src=x>\nsafe \u202egnp")
    body = as_(who.alice).get(f"/requests/{request.id}").content.decode()
    assert "&lt;img src=x&gt;\nsafe ⟨U+202E⟩gnp" in body


@pytest.mark.parametrize("seen", ["", "sha256:nonsense", "%00", "x" * 5000])
def test_a_nonsense_baseline_is_no_error(who, seen):
    request = ask(who)
    assert as_(who.alice).get(f"/requests/{request.id}?seen={seen}").status_code == 200


def test_a_run_address_that_is_no_web_address_is_not_a_link(who):
    request = ask(who, run={"id": "1", "attempt": 1, "url": "javascript:alert(1)"})
    body = as_(who.alice).get(f"/requests/{request.id}").content.decode()
    assert "javascript:" not in body


def test_the_permit_is_shown_once_the_pipeline_has_it(who):
    request = decide(ask(who), who.alice)
    permit = redeem(who, request)
    page = text(as_(who.bob).get(f"/requests/{request.id}"))
    assert str(permit.id) in page
    assert "Issued, not used yet" in page
    assert "Alice Lead" in page


def test_each_rule_is_explained_with_the_facts_behind_it(who):
    page = text(as_(who.carol).get(f"/requests/{ask(who).id}"))
    assert "What each rule says" in page
    assert "shop/production-lead: asks for 1 approval from team-leads." in page
    assert "request.tier == 'production' request.tier is production" in page
    assert "3 rules do not apply" in page
