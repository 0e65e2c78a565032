"""Signing in anew at a provider, in order to decide once: there and back as a person goes."""

import html
import json
from time import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from approvals.lifecycle.receipt import ensure_signing_key
from approvals.models import Decision, StepUp
from portal.ledger.models import Entry
from portal.oidc.confirm import return_url
from portal.oidc.links import link_person, unlink_person
from portal.oidc.providers import change_provider, check_provider
from tests import factories
from tests.factories import STAGING_AUTO, ask
from tests.integration.company import entries
from tests.integration.oidc.conftest import begin, set_up, there
from tests.integration.pages import as_, text

pytestmark = pytest.mark.xdist_group("oidc")
STEP_UP = STAGING_AUTO + "step_up: {when: request.action == 'deploy', max_age: 10m}\n"
SUBJECT = "alice-there"
COMMENT = "Looked at it, & it is <fine>"


@pytest.fixture
def who(db):
    ensure_signing_key()
    return factories.company(STEP_UP)


@pytest.fixture
def confirming(who, elsewhere):
    """It may confirm decisions, and Alice, who has no second factor here, has an account there."""
    made = check_provider(by=who.admin, provider=set_up(who.admin, elsewhere))
    link_person(by=who.admin, provider=made, person=who.alice, subject=SUBJECT)
    elsewhere.is_somebody(SUBJECT)
    return change_provider(by=who.admin, provider=made, confirms=True)


@pytest.fixture
def tab(who):
    return as_(who.alice)


@pytest.fixture
def asked(who):
    return ask(who)


def form_of(request, **fields):
    return {"snapshot": request.snapshot.digest, "comment": COMMENT, **fields}


def leave(tab, request, provider):
    """From the decision to the page that confirms, and on: the address of the provider."""
    page = tab.post(f"/requests/{request.id}/step-up/begin", form_of(request))["Location"]
    assert f"Confirm at {provider.name}" in text(tab.get(page))
    going = f"/requests/{request.id}/step-up/provider/{provider.pk}"
    return tab.post(going, form_of(request))["Refresh"].removeprefix("0; url=")


def decided(tab, request):
    return tab.post(f"/requests/{request.id}/decide", form_of(request, outcome="approve"))


def without(url, *names):
    """The address as somebody may change it on the way."""
    parts = urlsplit(url)
    kept = {k: v[0] for k, v in parse_qs(parts.query).items() if k not in names}
    return parts._replace(query=urlencode(kept)).geturl()


def refused(answer, request, why):
    """It says why, stands in the ledger, and nobody can decide with it."""
    assert answer.status_code == 403
    assert why in text(answer)
    assert not StepUp.objects.exists()
    assert Entry.objects.filter(request=request.pk, type="step_up.failed").count() == 1
    return True


def test_who_signs_in_anew_there_comes_back_and_decides(confirming, asked, elsewhere, tab):
    session, sign_ins = tab.session.session_key, len(entries("sign_in.succeeded"))
    url = leave(tab, asked, confirming)
    wanted = parse_qs(urlsplit(url).query)
    assert (wanted["prompt"], wanted["max_age"], wanted["scope"]) == (["login"], ["0"], ["openid"])
    back = tab.get(there(elsewhere, url))
    assert (back.status_code, Decision.objects.count()) == (303, 0), "it decides nothing"
    again = tab.get(back["Location"])
    assert f">{html.escape(COMMENT)}</textarea>" in again.content.decode()
    assert "Confirmed that it is you. Nothing is decided yet" in text(again)
    assert tab.session.session_key == session
    assert len(entries("sign_in.succeeded")) == sign_ins, "it signs nobody in"

    assert decided(tab, asked).status_code == 303
    step_up, decision = StepUp.objects.get(), Decision.objects.get()
    assert (step_up.method, step_up.decision) == (f"oidc:{confirming.pk}", decision)
    assert decision.authn == f"session+oidc:{confirming.pk}"
    confirmed = json.loads(entries("step_up.confirmed")[-1])
    assert confirmed["decision"]["method"] == f"oidc:{confirming.pk}"


def test_a_provider_that_does_not_say_when_confirms_nothing(confirming, asked, elsewhere, tab):
    url = without(leave(tab, asked, confirming), "prompt", "max_age")
    refused(tab.get(there(elsewhere, url)), asked, "it does not say when you signed in there")
    assert decided(tab, asked).status_code == 403


@pytest.mark.parametrize("ago", [120, 3600])
def test_a_sign_in_from_before_does_not_count(confirming, asked, elsewhere, tab, ago):
    elsewhere.told(signedInAt=int(time()) - ago)
    answer = tab.get(there(elsewhere, leave(tab, asked, confirming)))
    assert refused(answer, asked, "your sign-in there is not a new one")


def test_what_policy_gives_is_counted_from_the_sign_in_there(confirming, asked, elsewhere, tab):
    signed_in_at = int(time()) - 30
    elsewhere.told(signedInAt=signed_in_at)
    assert tab.get(there(elsewhere, leave(tab, asked, confirming))).status_code == 303
    assert StepUp.objects.get().at.timestamp() == signed_in_at


@pytest.mark.parametrize("other", ["bob-there", "stranger"])
def test_another_account_there_confirms_nothing(who, confirming, asked, elsewhere, tab, other):
    link_person(by=who.admin, provider=confirming, person=who.bob, subject="bob-there")
    elsewhere.is_somebody(other)
    answer = tab.get(there(elsewhere, leave(tab, asked, confirming)))
    assert refused(answer, asked, "whoever signed in there is not you")
    assert tab.session["_auth_user_id"] == str(who.alice.pk)


def test_a_return_serves_once_and_only_where_it_began(who, confirming, asked, elsewhere, tab):
    back = there(elsewhere, leave(tab, asked, confirming))
    for other in (as_(who.alice), as_(who.bob)):
        assert other.get(back).status_code == 403
    assert tab.get(back).status_code == 303
    assert tab.get(back).status_code == 403
    assert StepUp.objects.count() == 1
    assert not entries("step_up.failed")


def test_what_one_request_was_confirmed_for_is_no_good_for_another(
    who, confirming, asked, elsewhere, tab
):
    other = ask(who)
    assert tab.get(there(elsewhere, leave(tab, asked, confirming))).status_code == 303
    assert decided(tab, other).status_code == 403
    assert decided(tab, asked).status_code == 303


def test_confirming_signs_nobody_in_and_signing_in_confirms_nothing(
    confirming, asked, elsewhere, tab
):
    query = urlsplit(there(elsewhere, leave(tab, asked, confirming))).query
    assert tab.get(f"/account/provider/{confirming.pk}/callback?{query}").status_code == 401
    query = urlsplit(there(elsewhere, begin(tab, confirming))).query
    assert tab.get(f"/account/provider/{confirming.pk}/confirmed?{query}").status_code == 403
    assert not StepUp.objects.exists()


def test_cancelling_there_leads_back_to_the_other_ways(confirming, asked, elsewhere, tab):
    elsewhere.is_somebody("")
    answer = tab.get(there(elsewhere, leave(tab, asked, confirming)))
    assert (answer.status_code, "It was cancelled there" in text(answer)) == (403, True)
    assert "Confirm at Elsewhere" in text(answer)
    assert not entries("step_up.failed")


def test_the_page_of_the_provider_says_what_to_register_there(who, confirming):
    page = as_(who.admin).get(f"/people/providers/{confirming.pk}")
    assert return_url(confirming) in text(page)
    change_provider(by=who.admin, provider=confirming, confirms=False)
    page = as_(who.admin).get(f"/people/providers/{confirming.pk}")
    assert return_url(confirming) not in text(page)


@pytest.mark.parametrize("ended", ["switched off", "unlinked"])
def test_a_provider_that_may_not_confirm_is_neither_offered_nor_believed(
    who, confirming, asked, elsewhere, tab, ended
):
    back = there(elsewhere, leave(tab, asked, confirming))
    if ended == "unlinked":
        unlink_person(by=who.admin, provider=confirming, person=who.alice)
    else:
        change_provider(by=who.admin, provider=confirming, confirms=False)
        changed = json.loads(entries("sign_in_provider.changed")[-1])["change"]
        assert (changed["before"], changed["after"]) == ({"confirms": True}, {"confirms": False})
    assert tab.get(back).status_code == 404
    going = f"/requests/{asked.id}/step-up/provider/{confirming.pk}"
    assert tab.post(going, form_of(asked)).status_code == 404
    begun = tab.post(f"/requests/{asked.id}/step-up/begin", form_of(asked))
    assert "You have no second factor yet" in text(tab.get(begun["Location"]))
    assert not StepUp.objects.exists()
