"""Letter E of the attacks: deciding without the second factor that policy asks for (E6), or with
one that was shown by somebody else, elsewhere, before, or for something else."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.cache import cache
from django.db import InternalError, ProgrammingError, transaction

from approvals.lifecycle import step_up as lifecycle
from approvals.lifecycle.decide import record_decision
from approvals.lifecycle.on_screen import SnapshotMoved
from approvals.lifecycle.redeem import Drift
from approvals.lifecycle.step_up import (
    Occasion,
    challenge_bytes,
    confirm_with_code,
    confirm_with_passkey,
    new_challenge,
)
from approvals.models import Decision, StepUp
from approvals.permissions import why_not
from approvals.queries.step_up import fresh_step_up
from portal.kernel.clock import now
from portal.kernel.errors import Forbidden
from tests.attacks.surfaces import browser, refused, vote
from tests.factories import STAGING_AUTO, ask, redeem
from tests.second_factor import App, Passkey, at_the_portal

SESSION = "sha256:" + "5" * 64
ALWAYS = STAGING_AUTO + 'step_up: {when: "true", max_age: 10m}\n'
TWO = ALWAYS.replace("{count: 1,", "{count: 2,")
GARBAGE = [
    "",
    "[]",
    "{}",
    "null",
    '"x"',
    "{",
    json.dumps({"id": "a", "rawId": "a", "response": {}}),
]


@pytest.fixture
def asked(who, policy):
    """A request on which nobody decides without a second factor; Alice has a passkey."""
    policy(ALWAYS)
    who.passkey = Passkey().register(who.alice)
    who.request = ask(who)
    return who


@pytest.fixture
def app(monkeypatch):
    return App(monkeypatch)


def occasion(request, session=SESSION):
    return Occasion(request.id, request.snapshot.digest, session)


def signed(who, about, passkey=None, by=None):
    """The challenge for this occasion, and what the passkey answers."""
    challenge = new_challenge(by or who.alice, about)
    return challenge, (passkey or who.passkey).answer(challenge_bytes(challenge))


def confirm(by, about, challenge, credential):
    with at_the_portal():
        return confirm_with_passkey(
            by=by, occasion=about, challenge=challenge, credential=credential
        )


def confirmed(who, request=None, session=SESSION):
    about = occasion(request or who.request, session)
    return confirm(who.alice, about, *signed(who, about))


def decide(by, request, session=SESSION, outcome="approve"):
    return record_decision(
        by=by,
        request_id=request.id,
        outcome=outcome,
        comment="Looked at it",
        snapshot_digest=request.snapshot.digest,
        session=session,
    )


def needs_one(call, *args, **kwargs):
    with pytest.raises(Forbidden) as refusal:
        call(*args, **kwargs)
    assert refusal.value.code == "step-up-needed"
    assert not Decision.objects.exists()


def is_refused(call, *args, **kwargs):
    with pytest.raises(Forbidden) as refusal:
        call(*args, **kwargs)
    assert refusal.value.code == "step-up-failed"
    assert not StepUp.objects.exists()


@pytest.mark.parametrize("outcome", ["approve", "reject"])
def test_chat_skips_mfa(asked, outcome):
    """A surface that knows no session decides nothing: chat, mail and command line have none."""
    for session in ("", SESSION):
        needs_one(decide, asked.alice, asked.request, session, outcome)
    refused(vote(asked.alice, asked.request, outcome), 403, "confirm with a second factor")
    assert why_not(asked.alice, "decide", asked.request).code == "step-up-needed"
    confirmed(asked)
    decide(asked.alice, asked.request, outcome=outcome)
    assert Decision.objects.get().authn == "session+passkey"


def test_a_superuser_confirms_like_everybody(asked):
    asked.alice.is_superuser = True
    asked.alice.save()
    needs_one(decide, asked.alice, asked.request)


def test_a_reading_of_the_page_confirms_nothing(asked, app):
    app.register(asked.alice)
    tab = browser(asked.alice)
    about = {"snapshot": asked.request.snapshot.digest, "code": app.code(asked.alice)}
    assert tab.get(f"/requests/{asked.request.id}/step-up", about).status_code == 200
    assert not StepUp.objects.exists()
    assert tab.post(f"/requests/{asked.request.id}/step-up", about).status_code == 303


def test_another_site_cannot_confirm_for_a_person(asked, app):
    app.register(asked.alice)
    tab = browser(asked.alice, checks_csrf=True)
    about = {"snapshot": asked.request.snapshot.digest, "code": app.code(asked.alice)}
    refused(tab.post(f"/requests/{asked.request.id}/step-up", about), 403, "came from elsewhere")
    begin = tab.post(f"/requests/{asked.request.id}/step-up/begin", about)
    refused(begin, 403, "came from elsewhere")
    assert not StepUp.objects.exists()


class TestSomebodyElses:
    def test_person(self, asked):
        confirmed(asked)
        needs_one(decide, asked.bob, asked.request)
        decide(asked.alice, asked.request)

    def test_session(self, asked):
        confirmed(asked)
        needs_one(decide, asked.alice, asked.request, "sha256:" + "6" * 64)
        decide(asked.alice, asked.request)

    def test_request(self, asked):
        confirmed(asked)
        needs_one(decide, asked.alice, ask(asked))
        decide(asked.alice, asked.request)

    def test_passkey(self, asked):
        """Bob's key signs Alice's challenge."""
        about = occasion(asked.request)
        bobs = Passkey().register(asked.bob)
        is_refused(confirm, asked.alice, about, *signed(asked, about, bobs))

    def test_challenge(self, asked):
        """Each part that a challenge is bound to, one after the other."""
        about = occasion(asked.request)
        for other in (
            replace(about, request=ask(asked).id),
            replace(about, session="sha256:" + "6" * 64),
            replace(about, snapshot="sha256:" + "7" * 64),
        ):
            is_refused(confirm, asked.alice, about, *signed(asked, other))
        is_refused(confirm, asked.alice, about, *signed(asked, about, by=asked.bob))

    def test_snapshot(self, asked, app):
        """It is shown for facts that this request had."""
        with pytest.raises(SnapshotMoved):
            confirm_with_code(
                by=asked.alice,
                occasion=replace(occasion(asked.request), snapshot=ask(asked).snapshot.digest),
                code="1",
            )


class TestNotAnAnswer:
    def test_a_challenge_that_is_not_ours_or_too_old(self, asked, monkeypatch):
        about = occasion(asked.request)
        challenge, credential = signed(asked, about)
        forged = challenge[:-1] + ("A" if challenge[-1] != "A" else "B")
        answer = asked.passkey.answer(challenge_bytes(forged))
        is_refused(confirm, asked.alice, about, forged, answer)
        monkeypatch.setattr(lifecycle, "CHALLENGE_SECONDS", -1)
        is_refused(confirm, asked.alice, about, challenge, credential)

    def test_a_key_whose_holder_was_not_verified(self, asked):
        about = occasion(asked.request)
        asked.passkey.verified = False
        is_refused(confirm, asked.alice, about, *signed(asked, about))

    @pytest.mark.parametrize(
        "elsewhere", [{"origin": "https://evil.example"}, {"site": "evil.example"}]
    )
    def test_what_was_signed_on_another_site(self, asked, elsewhere):
        about = occasion(asked.request)
        phished = replace(asked.passkey, **elsewhere)
        is_refused(confirm, asked.alice, about, *signed(asked, about, phished))

    @pytest.mark.parametrize("credential", GARBAGE)
    def test_anything_else(self, asked, credential):
        about = occasion(asked.request)
        is_refused(confirm, asked.alice, about, new_challenge(asked.alice, about), credential)

    def test_a_key_that_was_removed(self, asked):
        about = occasion(asked.request)
        answer = signed(asked, about)
        Authenticator.objects.all().delete()
        is_refused(confirm, asked.alice, about, *answer)

    def test_a_recovery_code(self, asked):
        codes = RecoveryCodes.activate(asked.bob).get_unused_codes()
        is_refused(confirm_with_code, by=asked.bob, occasion=occasion(asked.request), code=codes[0])
        with pytest.raises(Forbidden, match="you have none"):
            decide(asked.bob, asked.request)


class TestTwice:
    def test_the_same_answer_of_a_passkey(self, asked):
        about = occasion(asked.request)
        answer = signed(asked, about)
        confirm(asked.alice, about, *answer)
        with pytest.raises(Forbidden, match="not accepted"):
            confirm(asked.alice, about, *answer)

    def test_the_same_code(self, asked, app):
        """Also where the mark that allauth keeps in the cache was evicted."""
        app.register(asked.alice)
        code = app.code(asked.alice)
        with at_the_portal():
            confirm_with_code(by=asked.alice, occasion=occasion(asked.request), code=code)
        cache.clear()
        other = ask(asked)
        with pytest.raises(Forbidden, match="used already"):
            confirm_with_code(by=asked.alice, occasion=occasion(other), code=code)
        app.step += 1
        confirm_with_code(by=asked.alice, occasion=occasion(other), code=app.code(asked.alice))

    def test_a_code_that_signed_somebody_in(self, asked, app):
        app.register(asked.alice)
        code = app.code(asked.alice)
        totp = Authenticator.objects.get(user=asked.alice, type="totp")
        assert totp.wrap().validate_code(code)
        is_refused(confirm_with_code, by=asked.alice, occasion=occasion(asked.request), code=code)

    def test_for_two_decisions(self, asked):
        """What served one decision serves no other, and the database says so too."""
        step_up = confirmed(asked)
        decide(asked.alice, asked.request)
        step_up.refresh_from_db()
        assert step_up.decision == Decision.objects.get()
        for change in ({"decision": None}, {"session": "x"}, {"at": now()}):
            with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
                StepUp.objects.filter(pk=step_up.pk).update(**change)
        with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
            step_up.delete()


def test_longer_ago_than_policy_says(asked, monkeypatch):
    confirmed(asked)
    real = now()
    clock = "approvals.queries.step_up.now"
    monkeypatch.setattr(clock, lambda: real + timedelta(minutes=10, seconds=5))
    needs_one(decide, asked.alice, asked.request)
    monkeypatch.setattr(clock, lambda: real + timedelta(minutes=9, seconds=50))
    decide(asked.alice, asked.request)


def test_facts_that_matter_moved_since(asked, forge, policy):
    policy(ALWAYS.replace("hold: [request.commit]", "hold: [git.head]"))
    forge.facts |= {"git.head": "a" * 40, "git.files": 1}
    request = forge.read(ask(asked))
    confirmed(asked, request)
    forge.facts |= {"git.files": 2}
    request = forge.read(request)
    assert why_not_moved(asked, request) is None, "what policy does not look at may move"
    forge.facts |= {"git.head": "b" * 40}
    request = forge.read(request)
    needs_one(decide, asked.alice, request)


def why_not_moved(who, request):
    return why_not(who.alice, "decide", request, fresh_step_up(who.alice, request, SESSION))


def test_a_condition_that_cannot_be_told_asks_for_it(who, policy, forge):
    policy(ALWAYS.replace('"true"', "git.signed"))
    request = forge.read(ask(who))
    assert why_not(who.alice, "decide", request).code == "step-up-needed"
    forge.facts |= {"git.signed": False}
    assert why_not(who.alice, "decide", forge.read(request)) is None


def test_policy_asks_for_it_only_after_the_approval(who, policy, forge):
    """What was given without one does not count any more, and what it opened is shut."""
    policy(ALWAYS.replace('"true"', "git.signed"))
    who.passkey = Passkey().register(who.alice)
    forge.facts |= {"git.signed": False}
    request = forge.read(ask(who))
    decide(who.alice, request)
    request.refresh_from_db()
    assert request.status == "approved"
    forge.facts |= {"git.signed": True}
    with pytest.raises(Drift) as drift:
        redeem(who, request)
    assert "policy asks now for a fresh second factor" in json.dumps(drift.value.extra["drift"])
    request.refresh_from_db()
    assert (request.status, request.round) == ("pending", 2)
    confirmed(who, request)
    decide(who.alice, request)
    request.refresh_from_db()
    assert redeem(who, request).status == "issued"


def test_policy_asks_for_it_between_two_approvals(who, policy, forge):
    policy(TWO.replace('"true"', "git.signed"))
    who.passkey = Passkey().register(who.alice)
    forge.facts |= {"git.signed": False}
    request = forge.read(ask(who))
    decide(who.bob, request)
    forge.facts |= {"git.signed": True}
    request = forge.read(request)
    assert request.given == 0
    confirmed(who, request)
    decide(who.alice, request)
    request.refresh_from_db()
    assert (request.status, request.given) == ("pending", 1)
