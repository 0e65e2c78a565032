"""Erasing people's words: nothing of them is left, and every digest and proof holds."""

import hashlib
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from approvals.context.personal import sealed, valueless
from approvals.lifecycle.submit import IdempotencyMismatch, submit_request
from approvals.lifecycle.withdraw import withdraw_request
from approvals.models import Decision, Permit, Request, Snapshot
from portal.accounts.models import User
from portal.accounts.people import reactivate_person
from portal.kernel.canonical import commitment, digest_of, sha256_digest
from portal.kernel.errors import Conflict
from portal.ledger.models import Entry
from tests import factories

REASON, COMMENT = "Zuzana Reasonova asked me", "Quentin Commentov said so"
ACTOR = "wilhelmina-starter"
WORDS = (REASON, COMMENT, ACTOR)


def run(*arguments, by="dee", **options):
    out = StringIO()
    call_command("erase", *arguments, by=by, stdout=out, **options)
    return out.getvalue()


def everything(table):
    """All rows of a table as text, bytes decoded."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        return repr([bytes(x) if isinstance(x, memoryview) else x for row in cursor for x in row])


@pytest.fixture
def told(who):
    """A request with telling words everywhere, approved and redeemed."""
    telling = {"id": "77", "attempt": 1, "actor": ACTOR}
    request = factories.ask(who, reason=REASON, run=telling)
    factories.decide(request, who.alice, comment=COMMENT)
    factories.redeem(who, request)
    request.refresh_from_db()
    return request


def test_no_ledger_payload_has_a_name_an_address_or_a_text(who, told):
    other = factories.ask(who, reason=REASON)
    factories.decide(other, who.bob, outcome="reject", comment=COMMENT)
    third = factories.ask(who, reason=REASON)
    withdraw_request(by=who.carol, request_id=third.pk, reason=COMMENT)
    payloads = [bytes(entry.payload).decode() for entry in Entry.objects.all()]
    assert len(payloads) > 20
    people = [part for one in User.objects.all() for part in (one.name, one.email)]
    for word in filter(None, (*WORDS, *people)):
        assert not [payload for payload in payloads if word in payload], word


def test_drift_of_a_fact_about_people_is_recorded_without_their_addresses():
    about_people = {"fact": "git.author", "old": "ana@example.com", "new": "bea@example.com"}
    about_code = {"fact": "git.head", "old": "1", "new": "2"}
    assert valueless([about_people, about_code]) == [
        {"fact": "git.author", "old": None, "new": None},
        about_code,
    ]


def test_without_a_word_of_assent_it_only_shows_what_would_go(told):
    said = run(request=told.number)
    assert "Nothing was erased" in said
    assert "1 comments of decisions" in said
    assert Request.objects.get(pk=told.pk).reason == REASON


def test_a_request_loses_its_words_in_every_table(told):
    for table in ("approvals_request", "approvals_decision", "approvals_snapshot"):
        assert REASON in everything(table) or COMMENT in everything(table)
    run(request=told.number, yes=True)
    for table in (
        "approvals_request", "approvals_decision", "approvals_snapshot", "approvals_reading",
        "approvals_verdict", "approvals_permit", "ledger_entry",
    ):  # fmt: skip
        for word in WORDS:
            assert word not in everything(table), (table, word)


def test_every_digest_and_the_history_hold_afterwards(told):
    opened = commitment(bytes(told.reason_salt), REASON)
    receipt = Permit.objects.get(request=told).receipt
    before = [bytes(e.leaf) for e in Entry.objects.filter(request=told.pk).order_by("id")]
    run(request=told.number, yes=True)
    after = Request.objects.get(pk=told.pk)
    assert sha256_digest(bytes(after.payload)) == after.digest == told.digest
    assert json.loads(bytes(after.payload))["reason_commit"] == opened
    assert Permit.objects.get(request=told).receipt == receipt
    for snapshot in Snapshot.objects.filter(request=told):
        assert digest_of(sealed(snapshot.facts, bytes(snapshot.salt))) == snapshot.digest
        assert snapshot.typed["request.reason"].reason == "erased"
    entries = list(Entry.objects.filter(request=told.pk).order_by("id"))
    assert [bytes(entry.leaf) for entry in entries[:-1]] == before
    previous = None
    for entry in entries:
        payload = bytes(entry.payload)
        assert json.loads(payload)["prev"] == previous
        previous = hashlib.sha256(b"\0" + payload).hexdigest()
    assert entries[-1].type == "erasure.done"
    assert bytes(after.ledger_prev).hex() == previous


def test_a_snapshots_digest_holds_before_the_erasure_too(told):
    for snapshot in Snapshot.objects.filter(request=told):
        assert digest_of(sealed(snapshot.facts, bytes(snapshot.salt))) == snapshot.digest
        assert digest_of(snapshot.facts) != snapshot.digest


def test_an_erased_commitment_opens_for_nobody(told):
    entry = Entry.objects.get(request=told.pk, type="decision.recorded")
    recorded = json.loads(bytes(entry.payload))["reason_commit"]
    decision = Decision.objects.get(request=told)
    assert commitment(bytes(decision.comment_salt), COMMENT) == recorded
    run(request=told.number, yes=True)
    decision.refresh_from_db()
    assert decision.comment_salt == b""
    assert commitment(b"", COMMENT) != recorded


def test_the_entry_says_how_much_and_of_what_never_the_text(told, who):
    run(request=told.number, yes=True)
    payload = json.loads(bytes(Entry.objects.get(type="erasure.done").payload))
    assert payload["change"]["erased"]["comments"] == 1
    assert payload["actor"]["ref"] == str(who.deputy.actor_ref)
    assert payload["object"] == {"kind": "request", "id": str(told.pk)}


def test_the_page_says_when_it_was_erased(told, who, client):
    client.force_login(who.alice)
    assert REASON in client.get(f"/requests/{told.pk}").content.decode()
    run(request=told.number, yes=True)
    page = client.get(f"/requests/{told.pk}").content.decode()
    assert REASON not in page and COMMENT not in page
    assert "erased on" in page and "The comment was erased on" in page


def test_a_person_goes_with_their_words_and_nobody_elses(who, told):
    name, email = who.alice.name, who.alice.email
    run("alice", yes=True)
    alice = User.objects.get(pk=who.alice.pk)
    assert alice.actor_ref == who.alice.actor_ref
    assert not alice.is_active and not alice.has_usable_password()
    assert str(alice).endswith(f"(erased on {alice.erased_at:%Y-%m-%d})")
    for table in ("portal_user", "approvals_decision", "approvals_snapshot"):
        assert name not in everything(table) and email not in everything(table)
    assert COMMENT not in everything("approvals_decision")
    assert Request.objects.get(pk=told.pk).reason == REASON
    last = json.loads(bytes(Entry.objects.filter(type="erasure.done").last().payload))
    assert last["object"] == {"kind": "person", "id": str(alice.actor_ref)}


def test_who_started_runs_goes_with_what_the_runs_said(who):
    mine = factories.ask(who, "staging", run={"id": "1", "attempt": 1, "actor": "alice"})
    other = factories.ask(who, "staging", run={"id": "2", "attempt": 1, "actor": "bob"})
    factories.redeem(who, mine)
    factories.redeem(who, other)
    run("alice", yes=True)
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.reason, mine.run) == ("", {"id": "1", "attempt": 1})
    assert other.reason and other.run["actor"] == "bob"


def test_nobody_comes_back_from_an_erasure(who):
    run("alice", yes=True)
    with pytest.raises(Conflict):
        reactivate_person(by=who.admin, person=who.alice)
    with pytest.raises(CommandError, match="erased"):
        run(str(who.alice.actor_ref), yes=True)


@pytest.mark.parametrize(
    ("by", "arguments", "why"),
    [
        ("bob", ["alice"], "administer"),
        ("dee", ["dee"], "yourself"),
        ("dee", ["nobody"], "Nobody signs in"),
        ("dee", [], "Name a person"),
    ],
)
def test_it_refuses_who_may_not_and_what_is_not_there(who, by, arguments, why):
    with pytest.raises(CommandError, match=why):
        run(*arguments, by=by, yes=True)
    assert not Entry.objects.filter(type="erasure.done").exists()


def test_a_request_that_waits_keeps_its_words(who):
    request = factories.ask(who, reason=REASON)
    with pytest.raises(CommandError, match="is not over"):
        run(request=request.number, yes=True)
    request.refresh_from_db()
    assert request.reason == REASON


def test_a_repetition_of_an_erased_call_is_refused_not_answered(who):
    sent = factories.submission("staging")
    request, _ = submit_request(token=who.token, submission=sent, idempotency_key="k")
    factories.redeem(who, request)
    run(request=request.number, yes=True)
    with pytest.raises(IdempotencyMismatch):
        submit_request(token=who.token, submission=sent, idempotency_key="k")


ERASING = (
    "UPDATE approvals_decision SET comment='', comment_salt='', erased_at=now()",
    "UPDATE approvals_request SET reason='', reason_salt='', body_digest='', run=run-'actor',"
    " erased_at=now()",
    "UPDATE approvals_snapshot SET facts_digest='', salt=''",
)
OTHERWISE = (
    "UPDATE approvals_decision SET comment='no', comment_salt='', erased_at=now()",
    "UPDATE approvals_decision SET comment='', comment_salt='', erased_at=now(), outcome='reject'",
    "UPDATE approvals_decision SET comment='', comment_salt=''",
    "DELETE FROM approvals_decision",
    "UPDATE approvals_request SET reason='no'",
    "UPDATE approvals_request SET run='{}'",
    "UPDATE approvals_request SET body_digest=''",
    "UPDATE approvals_request SET reason='', reason_salt='', body_digest='', run='{}',"
    " erased_at=now()",
    "UPDATE approvals_snapshot SET facts='{}', facts_digest='', salt=''",
    "UPDATE approvals_snapshot SET facts_digest='', salt='', digest=''",
    "UPDATE approvals_snapshot SET facts_digest='', salt='',"
    " facts=jsonb_set(facts, '{request.tier,value}', '\"staging\"')",
    "DELETE FROM approvals_snapshot",
)


@pytest.mark.parametrize("statement", [*ERASING, *OTHERWISE])
def test_what_serves_requests_can_neither_erase_nor_change(told, statement):
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE countersign_app")
        cursor.execute(statement)


@pytest.mark.parametrize("statement", OTHERWISE)
def test_the_owner_can_erase_and_nothing_else(told, statement):
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("statement", ERASING)
def test_the_owner_can_erase_once(told, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.replace("now()", "now() + interval '1 s'"))


def test_an_erasure_clears_nobody_in_the_report_on_separation(audited, taken):
    audited.account.owner = audited.alice
    audited.account.save()
    call_command("erase", by="dee", request=audited.ran.number, yes=True, stdout=StringIO())
    (row,) = [
        row for row in taken(audited.auditor, "separation") if row["request"] == str(audited.ran)
    ]
    assert row["overlap"] == "Alice Lead; cannot be told: erased"
