"""Hooks: an outside system says that something changed, and what waits looks again at once."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from approvals.connections.configure import archive_connection
from approvals.connections.hear import KEEP, prune_deliveries
from approvals.connections.hook import renew_hook
from approvals.context.registry import CONNECTED
from approvals.lifecycle.enrich import due_readings, read_source
from approvals.lifecycle.withdraw import withdraw_request
from approvals.models import Connection, HookDelivery, Reading
from portal.access import grant_role
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden
from portal.kernel.sealed import unseal
from portal.ledger.models import Entry
from tests.factories import COMMIT, ask, person
from tests.integration.pages import as_, text
from tests.remote import Says

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at"),  # static files are not collected here
]
OTHER = "2" * 40


@pytest.fixture
def hooked(shop):
    """The company with a forge whose hook has a secret."""
    shop.hook = renew_hook(by=shop.admin, connection=shop.connection)
    return shop


def github(secret, body, *, number="72d3162e", event="push"):
    signature = hmac.digest(secret.encode(), body, hashlib.sha256).hex()
    return {
        "X-Hub-Signature-256": f"sha256={signature}",
        "X-GitHub-Delivery": number,
        "X-GitHub-Event": event,
    }


def gitlab(secret, body, *, number="72d3162e", event="Push Hook"):
    return {"X-Gitlab-Token": secret, "X-Gitlab-Event-UUID": number, "X-Gitlab-Event": event}


def alertmanager(secret, body, *, number=""):
    return {"Authorization": f"Bearer {secret}"}


def standard(secret, body, *, number="msg_1", at=None):
    time = str(int((at or now()).timestamp()))
    signed = f"{number}.{time}.".encode() + body
    key = b64decode(secret.removeprefix("whsec_"))
    signature = b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "Webhook-Id": number,
        "Webhook-Timestamp": time,
        "Webhook-Signature": f"v1a,other v1,{signature}",
    }


UNPROVEN = [
    {},
    {"X-Hub-Signature-256": ""},
    {"X-Hub-Signature-256": "sha256="},
    {"X-Hub-Signature": "sha1=0"},
    {"X-Gitlab-Token": "café \xff"},
    {"Authorization": "Bearer"},
    {"Webhook-Signature": "v1,"},
]
OF_ONE_COMMIT = [
    (github, "check_run", {"check_run": {"head_sha": OTHER}}),
    (github, "workflow_run", {"workflow_run": {"head_sha": OTHER}}),
    (github, "status", {"sha": OTHER}),
    (gitlab, "Pipeline Hook", {"object_attributes": {"sha": OTHER}}),
    (gitlab, "Job Hook", {"sha": OTHER}),
]
OF_MORE = [
    ("push", {"after": OTHER, "ref": "refs/heads/main"}),
    ("deployment_status", {"deployment": {"sha": OTHER}}),
    ("check_run", {"check_run": {"head_sha": "\x00'; --"}}),
    ("check_run", {"check_run": "x"}),
    ("check_run", [1]),
    ("something new", {"sha": OTHER}),
]


def deliver(who, headers, body=b"{}", connection=None):
    address = reverse("hook", args=[(connection or who.connection).pk])
    return Client().post(address, body, content_type="application/json", headers=headers)


def send(who, payload=None, sender=github, **more):
    body = json.dumps(payload or {}).encode()
    return deliver(who, sender(who.hook, body, **more), body)


def read(who, **fields):
    """A request whose reading was answered a while ago."""
    request = ask(who, **fields)
    read_all()
    rest()
    request.refresh_from_db()
    return request


def read_all():
    for request_id, key in due_readings():
        read_source(request_id, key)


def rest():
    """Every reading was answered a while ago, and none is due."""
    at = now()
    Reading.objects.update(
        observed_at=at - timedelta(minutes=1), next_try=at + timedelta(minutes=1)
    )


def due():
    return {request_id for request_id, _ in due_readings()}


class TestProof:
    def test_a_proven_delivery_is_heard_and_an_unproven_one_is_not(self, hooked):
        body = b'{"alerts": []}'
        for sender in (github, gitlab, alertmanager, standard):
            Connection.objects.update(heard_at=None)
            good = sender(hooked.hook, body, number=sender.__name__)
            assert deliver(hooked, sender("whsec_" + "A" * 44, body), body).status_code == 401
            if sender in (github, standard):
                assert deliver(hooked, good, body + b" ").status_code == 401, "the body as it came"
            assert Connection.objects.get().heard_at is None
            answer = deliver(hooked, good, body)
            assert (answer.status_code, answer.json()) == (200, {"status": "heard"})
            assert Connection.objects.get().heard_at is not None

    def test_without_proof_nothing_is_said_and_nothing_kept(self, hooked):
        for headers in UNPROVEN:
            answer = deliver(hooked, headers)
            assert (answer.status_code, answer.json()["detail"]) == (401, "Not accepted."), headers
        assert deliver(hooked, {"Authorization": f"Basic {hooked.hook}"}).status_code == 401
        assert not HookDelivery.objects.exists()

    def test_a_signed_time_that_is_not_about_now_is_refused(self, hooked):
        for minutes, status in ((-6, 401), (6, 401), (-4, 200)):
            sent = standard(hooked.hook, b"{}", at=now() + timedelta(minutes=minutes))
            assert deliver(hooked, sent).status_code == status

    def test_another_connections_secret_is_no_proof(self, hooked, connect):
        other = connect(hooked, name="other forge")
        renew_hook(by=hooked.admin, connection=other)
        headers = github(hooked.hook, b"{}")
        assert deliver(hooked, headers, connection=other).status_code == 401
        assert deliver(hooked, headers).status_code == 200

    def test_a_connection_without_hook_or_archived_or_unknown_has_no_address(self, shop):
        assert deliver(shop, {}).status_code == 404
        secret = renew_hook(by=shop.admin, connection=shop.connection)
        archive_connection(by=shop.admin, connection=shop.connection)
        assert deliver(shop, github(secret, b"{}")).status_code == 404
        assert Connection.objects.get().hook_secret == ""
        Connection.objects.all().delete()
        assert deliver(shop, github(secret, b"{}")).status_code == 404

    def test_more_than_a_mebibyte_is_not_read(self, hooked):
        body = b" " * (1024 * 1024 + 1)
        answer = deliver(hooked, github(hooked.hook, body), body)
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
        assert deliver(hooked, github(hooked.hook, body[1:]), body[1:]).status_code == 200


class TestOnce:
    def test_a_delivery_that_comes_again_is_known(self, hooked):
        request = read(hooked)
        for sender in (github, gitlab, standard):
            number = sender.__name__
            assert send(hooked, sender=sender, number=number).json() == {"status": "heard"}
            assert due() == {request.pk}
            rest()
            assert send(hooked, sender=sender, number=number).json() == {"status": "known"}
            assert due() == set()

    def test_a_sender_without_numbers_is_heard_each_time(self, hooked):
        for _ in range(2):
            assert send(hooked, sender=alertmanager).json() == {"status": "heard"}

    def test_the_same_number_to_another_connection_is_another_delivery(self, hooked, connect):
        other = connect(hooked, name="other forge")
        secret = renew_hook(by=hooked.admin, connection=other)
        send(hooked)
        assert deliver(hooked, github(secret, b"{}"), connection=other).json()["status"] == "heard"

    def test_long_ago_deliveries_are_forgotten(self, hooked):
        send(hooked)
        assert prune_deliveries() == 0
        HookDelivery.objects.update(received_at=now() - KEEP - timedelta(minutes=1))
        assert prune_deliveries() == 1


class TestLook:
    def test_what_waits_reads_again_and_asks_whether_the_answer_still_holds(self, hooked, forge):
        forge.paths[forge.path] = Says(
            {"head": COMMIT, "signature": "good"}, headers={"ETag": '"a"'}
        )
        request = read(hooked)
        assert (due(), forge.count(forge.path)) == (set(), 1)
        send(hooked)
        forge.paths[forge.path] = Says({"head": OTHER, "signature": "good"})
        read_all()
        request.refresh_from_db()
        assert request.snapshot.facts["git.head"]["value"] == OTHER
        assert forge.asked[-1][2]["if-none-match"] == '"a"'

    def test_two_hundred_that_wait_for_one_commit_ask_once_for_an_event(self, hooked, forge):
        requests = [read(hooked) for _ in range(3)]
        asked = forge.count(forge.path)
        send(hooked)
        assert due() == {request.pk for request in requests}
        read_all()
        assert forge.count(forge.path) == asked + 1

    def test_checks_of_one_commit_concern_what_waits_for_it(self, hooked):
        read(hooked)
        other = read(hooked, subject={"commit": OTHER})
        for number, (sender, event, payload) in enumerate(OF_ONE_COMMIT):
            send(hooked, payload, sender=sender, event=event, number=str(number))
            assert due() == {other.pk}, event
            rest()

    def test_whatever_may_be_about_more_concerns_all(self, hooked):
        requests = [read(hooked), read(hooked, subject={"commit": OTHER})]
        for number, (event, payload) in enumerate(OF_MORE):
            assert send(hooked, payload, event=event, number=str(number)).status_code == 200
            assert due() == {request.pk for request in requests}, payload
            rest()

    def test_a_body_that_is_no_json_is_a_reason_to_look_all_the_same(self, hooked):
        request = read(hooked)
        headers = github(hooked.hook, b"payload=%7B%7D", event="check_run")
        assert deliver(hooked, headers, b"payload=%7B%7D").status_code == 200
        assert due() == {request.pk}

    def test_nothing_that_a_delivery_says_becomes_a_fact(self, hooked):
        request = read(hooked)
        before = request.snapshot_id
        send(hooked, {"git.head": OTHER, "after": OTHER, "signature": "none"})
        request.refresh_from_db()
        assert request.snapshot_id == before

    def test_what_is_over_is_not_read(self, hooked):
        request = read(hooked)
        withdraw_request(by=hooked.carol, request_id=request.id)
        send(hooked)
        assert due() == set()

    def test_an_event_while_it_is_read_costs_no_answer_and_one_more_reading(
        self, hooked, monkeypatch
    ):
        request, source = ask(hooked), CONNECTED["forge"]
        answer = source.read

        def meanwhile(question, fetch):
            found = answer(question, fetch)
            assert send(hooked).json() == {"status": "heard"}
            return found

        monkeypatch.setattr(source, "read", meanwhile)
        read_all()
        reading = Reading.objects.get(request=request)
        assert reading.facts["git.head"]["value"] == COMMIT
        assert (reading.again, reading.next_try <= now() + timedelta(seconds=3)) == (False, True)

    def test_a_storm_of_events_reads_every_few_seconds(self, hooked):
        request = read(hooked)
        Reading.objects.filter(request=request).update(observed_at=now())
        send(hooked, number="1")
        first = Reading.objects.get(request=request).next_try
        assert now() < first <= now() + timedelta(seconds=3)
        send(hooked, number="2")
        assert Reading.objects.get(request=request).next_try == first


class TestSecret:
    def test_it_is_shown_once_sealed_and_an_older_one_is_void(self, hooked):
        page = as_(hooked.admin)
        address = reverse("connection-hook", args=[hooked.connection.pk])
        assert "a secret from before is void" in text(page.get(address)).lower()
        shown = page.post(address).content.decode()
        secret = unseal(Connection.objects.get().hook_secret)
        assert secret in shown.replace("&#x2B;", "+")
        assert (
            secret
            not in page.get(reverse("connection", args=[hooked.connection.pk])).content.decode()
        )
        assert send(hooked).status_code == 401
        hooked.hook = secret
        assert send(hooked).status_code == 200

    def test_a_maintainer_of_the_project_renews_it_and_a_viewer_does_not(self, shop):
        maintainer = person(shop.admin, "Mai Maintainer")
        grant_role(by=shop.admin, to=maintainer, role="maintainer", target=shop.project)
        with pytest.raises(Forbidden):
            renew_hook(by=shop.alice, connection=shop.connection)
        renew_hook(by=maintainer, connection=shop.connection)
        entry = Entry.objects.get(type="connection.hook_renewed")
        assert entry.actor_ref == str(maintainer.actor_ref)
        archive_connection(by=shop.admin, connection=shop.connection)
        with pytest.raises(Conflict):
            renew_hook(by=maintainer, connection=shop.connection)

    def test_the_page_tells_the_address_and_when_something_was_heard(self, hooked):
        page = as_(hooked.admin).get(reverse("connection", args=[hooked.connection.pk]))
        assert f"/hooks/{hooked.connection.pk}" in text(page)
