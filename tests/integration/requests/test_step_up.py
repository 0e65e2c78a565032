"""Confirming with a second factor on the way to a decision, as a person goes through it."""

import base64
import html
import json
import re
from datetime import timedelta

import pytest
from fido2.utils import websafe_decode

from approvals.lifecycle.receipt import ensure_signing_key
from approvals.models import Decision, StepUp
from approvals.permissions import why_not
from portal.kernel.clock import now, rfc3339
from portal.ledger.models import Entry
from tests import factories
from tests.factories import STAGING_AUTO, ask, redeem
from tests.integration.pages import as_, text
from tests.second_factor import App, Passkey

pytestmark = pytest.mark.django_db
STEP_UP = STAGING_AUTO + "step_up: {when: request.action == 'deploy', max_age: 10m}\n"
COMMENT = "Looked at it, & it is <fine>"


@pytest.fixture
def who(db):
    ensure_signing_key()
    return factories.company(STEP_UP)


@pytest.fixture
def app(monkeypatch):
    return App(monkeypatch)


@pytest.fixture
def tab(who):
    return as_(who.alice)


def form_of(request, **fields):
    return {"snapshot": request.snapshot.digest, "comment": COMMENT, **fields}


def decided(tab, request, outcome="approve"):
    return tab.post(f"/requests/{request.id}/decide", form_of(request, outcome=outcome))


def confirm(tab, request, **fields):
    return tab.post(
        f"/requests/{request.id}/step-up", {"snapshot": request.snapshot.digest, **fields}
    )


def with_passkey(tab, request, passkey):
    """Open the page, have its challenge signed, and send the answer."""
    opened = tab.get(f"/requests/{request.id}/step-up?snapshot={request.snapshot.digest}")
    found = opened.content.decode()
    options = json.loads(re.search(r'application/json">(.*?)</script>', found)[1])["publicKey"]
    assert options["userVerification"] == "required"
    challenge = html.unescape(re.search(r'name="challenge" value="([^"]+)"', found)[1])
    answer = passkey.answer(websafe_decode(options["challenge"]))
    return confirm(tab, request, challenge=challenge, credential=answer)


def told(request, event):
    """The payloads of these entries, oldest first."""
    found = Entry.objects.filter(request=request.pk, type=event).order_by("id")
    return [json.loads(bytes(entry.payload)) for entry in found]


def test_with_a_code_from_the_app_one_confirms_comes_back_and_decides(who, app, tab):
    app.register(who.alice)
    request = ask(who)
    seen = text(tab.get(f"/requests/{request.id}"))
    assert (
        "Policy asks whoever decides here to confirm with a second factor, at most 10 min" in seen
    )
    assert 'id="approve"' not in tab.get(f"/requests/{request.id}").content.decode()

    begun = tab.post(f"/requests/{request.id}/step-up/begin", form_of(request))
    assert begun.status_code == 303
    assert "You approve exactly" in text(tab.get(begun["Location"]))
    back = confirm(tab, request, code=app.code(who.alice))
    assert (back.status_code, Decision.objects.count()) == (303, 0), "it decides nothing"
    again = tab.get(back["Location"])
    assert f">{html.escape(COMMENT)}</textarea>" in again.content.decode()
    assert "Confirmed that it is you. Nothing is decided yet" in text(again)
    assert "It serves one decision, until" in text(again)

    assert decided(tab, request).status_code == 303
    decision = Decision.objects.get()
    step_up = StepUp.objects.get()
    assert (decision.authn, decision.stepped_up_at) == ("session+totp", step_up.at)
    assert step_up.decision == decision
    after = tab.get(f"/requests/{request.id}")
    assert f">{html.escape(COMMENT)}</textarea>" not in after.content.decode(), "it is kept no more"
    assert "with a second factor" in text(after)


def test_what_was_shown_stands_in_the_ledger_and_in_the_receipt(who, app, tab):
    passkey = Passkey().register(who.alice)
    request = ask(who)
    assert with_passkey(tab, request, passkey).status_code == 303
    assert decided(tab, request).status_code == 303
    step_up = StepUp.objects.get()
    (confirmed,) = told(request, "step_up.confirmed")
    assert confirmed["actor"]["authn"] == "session+passkey"
    assert confirmed["snapshot"] == {"digest": request.snapshot.digest}
    (recorded,) = told(request, "decision.recorded")
    assert recorded["actor"]["authn"] == "session+passkey"
    assert recorded["decision"]["step_up"]["id"] == str(step_up.id)
    assert (
        recorded["decision"]["step_up"]["method"],
        recorded["decision"]["step_up"]["max_age"],
    ) == (
        "passkey",
        600,
    )
    request.refresh_from_db()
    permit = redeem(who, request)
    statement = json.loads(base64.b64decode(permit.receipt["payload"]))
    (approver,) = statement["predicate"]["approvers"]
    assert approver["authn"] == "session+passkey"
    assert approver["secondFactorAt"] == rfc3339(step_up.at)


def test_where_the_condition_is_false_nobody_confirms(who, app, tab):
    app.register(who.alice)
    request = ask(who, action="apply")
    opened = tab.get(f"/requests/{request.id}/step-up?snapshot={request.snapshot.digest}")
    assert (opened.status_code, "asks for no second factor here" in text(opened)) == (409, True)
    assert decided(tab, request).status_code == 303
    decision = Decision.objects.get()
    assert (decision.authn, decision.stepped_up_at) == ("session", None)


def test_who_has_no_second_factor_cannot_decide_and_is_told_how_to_get_one(who, app, tab):
    request = ask(who)
    for outcome in ("approve", "reject"):
        answer = decided(tab, request, outcome)
        assert answer.status_code == 403
        assert "you have none. Add a passkey or an authenticator app" in text(answer)
    begun = tab.post(f"/requests/{request.id}/step-up/begin", form_of(request))
    assert "You have no second factor yet" in text(tab.get(begun["Location"]))
    assert why_not(who.alice, "decide", request).code == "step-up-needed"
    app.register(who.alice)
    assert "Confirm that it is you, then decide" in text(decided(tab, request))
    confirm(tab, request, code=app.code(who.alice))
    assert decided(tab, request).status_code == 303


def test_a_refused_decision_comes_back_with_its_comment_and_the_way_to_confirm(who, app, tab):
    app.register(who.alice)
    request = ask(who)
    answer = decided(tab, request)
    assert answer.status_code == 403
    assert html.escape(COMMENT) in answer.content.decode()
    assert 'formaction="/requests/' in answer.content.decode()
    (refused,) = told(request, "decision.refused")
    assert refused["decision"]["code"] == "step-up-needed"


def test_htmx_is_sent_to_the_page_where_one_confirms(who, app, tab):
    app.register(who.alice)
    request = ask(who)
    begun = tab.post(
        f"/requests/{request.id}/step-up/begin", form_of(request), headers={"hx-request": "true"}
    )
    assert begun.status_code == 200
    assert begun["HX-Redirect"].startswith(f"/requests/{request.id}/step-up?snapshot=sha256")


def test_a_wrong_code_is_recorded_and_five_of_them_close_the_door(who, app, tab, monkeypatch):
    app.register(who.alice)
    request = ask(who)
    wrong = "000000" if app.code(who.alice) != "000000" else "111111"
    for _ in range(5):
        answer = confirm(tab, request, code=wrong)
        assert (answer.status_code, "This code is not right" in text(answer)) == (403, True)
    assert len(told(request, "step_up.failed")) == 5
    right = confirm(tab, request, code=app.code(who.alice))
    assert (right.status_code, "Too many wrong tries" in text(right)) == (403, True)
    later = now() + timedelta(minutes=6)
    monkeypatch.setattr("approvals.lifecycle.step_up.now", lambda: later)
    assert confirm(tab, request, code=app.code(who.alice)).status_code == 303


def test_who_may_not_decide_may_not_confirm_either(who, app):
    for person in (who.carol, who.mallory):
        app.register(person)
    request = ask(who)
    for person, status in ((who.carol, 403), (who.mallory, 404)):
        tab = as_(person)
        assert confirm(tab, request, code=app.code(person)).status_code == status
        begin = tab.post(f"/requests/{request.id}/step-up/begin", form_of(request))
        assert begin.status_code == status
    assert not StepUp.objects.exists()
