"""One second factor at several connections at once serves once."""

import pytest

from approvals.lifecycle.decide import record_decision
from approvals.lifecycle.step_up import (
    Occasion,
    challenge_bytes,
    confirm_with_code,
    confirm_with_passkey,
    new_challenge,
)
from approvals.models import Decision, StepUp
from policies.models import Policy
from policies.publishing import publish_version, save_version
from tests.factories import STAGING_AUTO, ask, confirmed
from tests.races.together import agree, errors, together
from tests.second_factor import App, Passkey, at_the_portal

REPEAT = 3
STEP_UP = STAGING_AUTO + 'step_up: {when: "true", max_age: 10m}\n'
SESSION = "sha256:" + "5" * 64


@pytest.fixture
def careful(who):
    """The company where production asks two people, each with a second factor."""
    text = STEP_UP.replace("{count: 1,", "{count: 2,")
    version = save_version(by=who.admin, policy=Policy.objects.get(), text=text)
    publish_version(by=who.deputy, version=version)
    return who


def occasion(request):
    return Occasion(request.id, request.snapshot.digest, SESSION)


def test_one_answer_of_a_passkey_at_two_connections_is_taken_once(careful):
    passkey = Passkey().register(careful.alice)
    for _ in range(REPEAT):
        request = ask(careful)
        about = occasion(request)
        challenge = new_challenge(careful.alice, about)
        credential = passkey.answer(challenge_bytes(challenge))

        def confirm(about=about, challenge=challenge, credential=credential):
            with at_the_portal():
                return confirm_with_passkey(
                    by=careful.alice, occasion=about, challenge=challenge, credential=credential
                )

        assert errors(together(confirm, confirm)) == ["Forbidden"]
        assert StepUp.objects.filter(request=request).count() == 1
        agree(request)


def test_one_code_for_two_requests_at_once_is_taken_once(careful, monkeypatch):
    app = App(monkeypatch).register(careful.alice)
    for _ in range(REPEAT):
        app.step += 1
        code = app.code(careful.alice)
        requests = [ask(careful), ask(careful)]

        def confirm(request, code=code):
            return confirm_with_code(by=careful.alice, occasion=occasion(request), code=code)

        results = together(*[lambda r=request: confirm(r) for request in requests])
        assert errors(results) == ["Forbidden"]
        assert StepUp.objects.filter(request__in=requests).count() == 1
        for request in requests:
            agree(request)


def test_one_second_factor_and_four_presses_at_once_make_one_decision(careful):
    for _ in range(REPEAT):
        request = ask(careful)
        session = confirmed(careful.alice, request)

        def press(request=request, session=session):
            return record_decision(
                by=careful.alice,
                request_id=request.id,
                outcome="approve",
                comment="",
                snapshot_digest=request.snapshot.digest,
                session=session,
            )

        results = together(*[press] * 4)
        assert errors(results) == ["Conflict"] * 3
        assert StepUp.objects.get(request=request).decision == Decision.objects.get(request=request)
        agree(request)
