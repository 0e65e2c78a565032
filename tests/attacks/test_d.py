"""Letter D of the attacks, as far as today's surfaces go: hooks of outside systems."""

import hmac
from datetime import timedelta

import pytest

from approvals.models import Connection, HookDelivery
from portal.kernel.clock import now
from tests.factories import COMMIT
from tests.integration.connections.conftest import connect, forge, shop  # noqa: F401
from tests.integration.connections.test_hooks import (
    OTHER,
    alertmanager,
    deliver,
    due,
    github,
    gitlab,
    hooked,  # noqa: F401
    read,
    rest,
    send,
    standard,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at"),  # static files are not collected here
]
SENDERS = (github, gitlab, alertmanager, standard)


@pytest.mark.parametrize("sender", SENDERS)
def test_unsigned_webhook(hooked, sender):  # noqa: F811
    """What is not proven over the body as it came makes nobody look again."""
    request, body = read(hooked), b'{"alerts": []}'
    proof = sender(hooked.hook, body)
    forged = ({}, dict.fromkeys(proof, ""), sender("whsec_" + "A" * 44, body))
    for headers in forged:
        assert deliver(hooked, headers, body).status_code == 401
    if sender in (github, standard):  # the others prove who sends, not what
        assert deliver(hooked, proof, body.replace(b"[]", b"[1]")).status_code == 401
    assert (due(), HookDelivery.objects.count()) == (set(), 0)
    assert deliver(hooked, proof, body).status_code == 200
    assert due() == {request.pk}


@pytest.mark.parametrize("sender", SENDERS)
def test_timing(hooked, sender, monkeypatch):  # noqa: F811
    """Secrets and signatures are compared in a time that tells nothing of them."""
    compared, honest = [], hmac.compare_digest

    def noted(left, right):
        compared.append(honest(left, right))
        return compared[-1]

    monkeypatch.setattr(hmac, "compare_digest", noted)
    for secret, status in (("whsec_" + "A" * 44, 401), (hooked.hook, 200)):
        compared.clear()
        assert deliver(hooked, sender(secret, b"{}")).status_code == status
        assert (status == 200) is any(compared)
        assert compared


@pytest.mark.parametrize("sender", [github, gitlab, standard])
def test_webhook_replay(hooked, sender):  # noqa: F811
    """The same delivery counts once, and a signed time has to be about now."""
    request = read(hooked)
    for answer, heard in (("heard", {request.pk}), ("known", set())):
        assert send(hooked, sender=sender, number="one").json() == {"status": answer}
        assert due() == heard
        rest()
    late = standard(hooked.hook, b"{}", number="two", at=now() - timedelta(minutes=6))
    assert deliver(hooked, late).status_code == 401
    assert due() == set()


def test_batched_events(hooked):  # noqa: F811
    """One delivery about several commits, or alerts, makes everything look that it may be about."""
    waits = {read(hooked).pk, read(hooked, subject={"commit": OTHER}).pk}
    rest()
    commits = [{"id": COMMIT}, {"id": OTHER}]
    assert send(hooked, {"after": OTHER, "commits": commits}, event="push").status_code == 200
    assert due() == waits
    rest()
    alerts = [{"labels": {"environment": "staging"}}, {"labels": {"environment": "production"}}]
    assert send(hooked, {"alerts": alerts}, sender=alertmanager).status_code == 200
    assert due() == waits


def test_reordered_events(hooked):  # noqa: F811
    """An event is a reason to look and no fact: an old one that comes late undoes nothing."""
    request = read(hooked)
    events = [("success", "two"), ("failure", "one"), ("failure", "two")]
    for conclusion, number in events:
        event = {"check_run": {"head_sha": COMMIT, "conclusion": conclusion}}
        assert send(hooked, event, event="check_run", number=number).status_code == 200
    assert due() == {request.pk}
    known = request.snapshot.digest
    request.refresh_from_db()
    assert request.snapshot.digest == known
    assert Connection.objects.get().heard_at is not None
