"""Letter B of the attacks: what a decision is bound to, and when.

B12 to B14 are played here once each; tests/races repeats them from many sides.
"""

import copy
import re
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.lifecycle.expire import expire_all
from approvals.lifecycle.finish import LOST_AFTER
from approvals.lifecycle.receipt import ensure_signing_key
from approvals.lifecycle.submit import Submission
from approvals.lifecycle.transition import Change, Moved
from approvals.models import Decision, Permit, Request, Snapshot
from portal.directory.environments import change_environment
from portal.directory.groups import remove_member
from portal.directory.models import ApproverGroup
from portal.kernel.clock import now
from portal.ledger.actors import SYSTEM
from portal.ledger.models import Entry
from tests import factories
from tests.api import body, call, code, post, redeem
from tests.attacks.surfaces import approved_by, browser, refused, vote
from tests.factories import STAGING_AUTO, ask, backdate
from tests.races.together import agree, together

OTHER = "2" * 40


def drifted(answer):
    """The facts that a redeem said had moved."""
    assert (answer.status_code, code(answer)) == (409, "drift")
    return {change["fact"] for change in answer.json()["drift"]}


def goes_on(who, request):
    """The control: nothing moved, so the permit is given."""
    answer = redeem(who.secret, request)
    assert answer.status_code == 200, answer.content
    return answer.json()["permit"]


def test_approver_removed_before_vote(who):
    request = ask(who)
    page = browser(who.alice)
    assert page.get(f"/requests/{request.id}").status_code == 200
    remove_member(
        by=who.admin, group=ApproverGroup.objects.get(name="team-leads"), person=who.alice
    )
    refused(vote(who.alice, request), 403, "Only members of team-leads may decide")
    approved_by(who.bob, request)


def test_approver_removed_before_use(who):
    request, control = approved_by(who.alice, ask(who)), approved_by(who.bob, ask(who))
    remove_member(
        by=who.admin, group=ApproverGroup.objects.get(name="team-leads"), person=who.alice
    )
    answer = redeem(who.secret, request)
    assert drifted(answer) == {"approval by Alice Lead"}
    assert answer.json()["drift"][0]["new"] == "not counted: whoever gave it is not in team-leads"
    request.refresh_from_db()
    (drift,) = Entry.objects.filter(request=request.pk, type="drift.found")
    assert b"Alice" not in bytes(drift.payload), "names never enter the ledger"
    shown = call(who.secret, "get", f"/requests/{request.id}").json()
    assert shown["drift"] == answer.json()["drift"]
    assert (request.status, request.round) == ("pending", 2)
    assert not Permit.objects.filter(request=request).exists()
    goes_on(who, control)


def test_approver_found_to_be_the_author_before_use(who, forge, policy):
    """Who wrote the commit is told late: the vote does not count any more."""
    policy(STAGING_AUTO.replace("hold: [request.commit]", "hold: [git.exists]"))
    forge.facts |= {"git.authors": ("stranger@example.com",)}
    request = approved_by(who.alice, forge.read(ask(who)))
    control = approved_by(who.bob, forge.read(ask(who)))
    forge.facts |= {"git.authors": ("alice@example.com",)}
    answer = redeem(who.secret, request)
    assert drifted(answer) == {"approval by Alice Lead"}
    assert "touched the change" in answer.json()["drift"][0]["new"]
    request.refresh_from_db()
    assert (request.status, request.round) == ("pending", 2)
    goes_on(who, control)


def test_rule_changed_before_decision(who, policy):
    """A looser version published meanwhile does not loosen what was asked under the stricter."""
    policy(STAGING_AUTO.replace("{count: 1,", "{count: 2,"))
    request = ask(who)
    policy(STAGING_AUTO)
    refused(vote(who.alice, request), 409, "what policy asks changed")
    assert vote(who.alice, request).status_code == 303
    request.refresh_from_db()
    assert (request.status, request.given, request.needed) == ("pending", 1, 2)
    refused(redeem(who.secret, request), 409, "nothing to redeem")
    approved_by(who.bob, request)
    approved_by(who.alice, ask(who))


@pytest.mark.parametrize(
    ("stricter", "status", "says"),
    [
        (
            ("{count: 1,", "{count: 2,"),
            "pending",
            "asks for 1 more from team-leads (rule production-lead)",
        ),
        (
            ("request.tier == 'testing'", "request.tier == 'production'"),
            "denied",
            "Nothing runs on production.",
        ),
    ],
)
def test_rule_changed_before_use(who, policy, stricter, status, says):
    """A stricter version published after the vote holds too: what it forbids does not run."""
    request, control = approved_by(who.alice, ask(who)), approved_by(who.alice, ask(who))
    goes_on(who, control)
    policy(STAGING_AUTO.replace(*stricter))
    answer = redeem(who.secret, request)
    assert drifted(answer) == {"policy"}
    assert answer.json()["drift"][0]["new"] == says
    request.refresh_from_db()
    assert (request.status, request.round) == (status, 2)
    assert not Permit.objects.filter(request=request).exists()


def test_request_edited_after_vote(who):
    """The same key cannot carry another body; new content is a new request with no votes."""
    wish = body()
    first = post(who.secret, wish, "the-key").json()
    approved_by(who.alice, Request.objects.get(pk=first["id"]))
    for change in (
        {"subject": {"commit": OTHER}},
        {"reason": "Something else"},
        {"environment": "staging"},
        {"labels": ["hotfix"]},
    ):
        answer = post(who.secret, {**wish, **change}, "the-key")
        assert (answer.status_code, code(answer)) == (409, "idempotency-mismatch")
    again = post(who.secret, wish, "the-key")
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    other = post(who.secret, {**wish, "subject": {"commit": OTHER}}, "another-key").json()
    assert (other["status"], other["decisions"]) == ("pending", [])


def test_target_changed_after_vote(who):
    """The environment is inside the digest, and its tier is read again."""
    wish = body()
    one, two = (
        post(who.secret, {**wish, "environment": name}).json() for name in ("production", "staging")
    )
    assert one["digest"] != two["digest"]
    request = approved_by(who.alice, Request.objects.get(pk=one["id"]))
    control = approved_by(who.alice, ask(who))
    answer = redeem(who.secret, request, digest=two["digest"])
    assert (answer.status_code, code(answer)) == (422, "invalid")
    goes_on(who, control)
    change_environment(by=who.admin, environment=who.production, tier="testing")
    assert "request.tier" in drifted(redeem(who.secret, request))
    request.refresh_from_db()
    assert request.status == "denied"


def test_content_changed_indirectly(who, forge, policy):
    """The commit asked for is the same, but the branch it was approved on has moved."""
    policy(STAGING_AUTO.replace("hold: [request.commit]", "hold: [git.head]"))
    forge.facts |= {"git.head": "a" * 40}
    request = approved_by(who.alice, forge.read(ask(who)))
    control = approved_by(who.alice, forge.read(ask(who)))
    goes_on(who, control)
    forge.facts |= {"git.head": "b" * 40}
    answer = redeem(who.secret, request)
    assert drifted(answer) == {"git.head"}
    assert answer.json()["drift"] == [{"fact": "git.head", "old": "a" * 40, "new": "b" * 40}]


def test_content_changed_indirectly_by_a_source_that_falls_silent(who, forge, policy):
    """Unknown is not equal: what cannot be read again is not what was approved."""
    policy(STAGING_AUTO.replace("hold: [request.commit]", "hold: [git.head]"))
    forge.facts |= {"git.head": "a" * 40}
    request = approved_by(who.alice, forge.read(ask(who)))
    del forge.facts["git.head"]
    assert drifted(redeem(who.secret, request)) == {"git.head"}
    request.refresh_from_db()
    assert request.status == "pending"


@pytest.mark.parametrize("ref", ["main", "heads/main", "v1.0", "origin/main", "refs/", "HEAD"])
def test_ambiguous_ref(who, ref):
    """A tag may be named like a branch: only a full ref says which one is meant."""
    answer = post(who.secret, body(subject={"commit": OTHER, "ref": ref}))
    assert (answer.status_code, code(answer)) == (422, "invalid")
    assert answer.json()["errors"][0]["field"] == "subject.ref"
    full = body(subject={"commit": OTHER, "ref": "refs/tags/main"})
    assert post(who.secret, full).status_code == 201


def test_ambiguous_ref_alone_is_no_subject(who):
    answer = post(who.secret, body(subject={"ref": "refs/heads/main"}))
    assert (answer.status_code, code(answer)) == (422, "invalid")


def test_time_based_invalidation(who, forge):
    """Reading the same again is no change: only another value is."""
    forge.facts |= {"git.head": "a" * 40}
    request = forge.read(ask(who))
    shown = request.snapshot
    for _ in range(3):
        forge.read(request)
    assert request.snapshot.digest == shown.digest
    approved_by(who.alice, request)
    assert goes_on(who, request)["status"] == "issued"


@pytest.mark.parametrize(
    "digest",
    [
        "sha1:" + "0" * 40,
        "md5:" + "0" * 32,
        "0" * 64,
        "SHA256:" + "0" * 64,
        "sha256:" + "0" * 63,
        "sha256:" + "0" * 65,
        "sha256:" + "G" * 64,
        "sha256:" + "A" * 64,
        "sha256:" + "0" * 64 + "\n",
        "sha512:" + "0" * 128,
        "",
    ],
)
def test_weak_digest(who, digest):
    """SHA-256 with its name, in one spelling; nothing weaker and nothing like it."""
    request = approved_by(who.alice, ask(who))
    for answer in (
        post(who.secret, body(subject={"artifact": digest})),
        post(who.secret, body(subject={"plan": digest})),
        redeem(who.secret, request, digest=digest),
    ):
        assert (answer.status_code, code(answer)) == (422, "invalid")
    goes_on(who, request)


@pytest.mark.parametrize("commit", ["9f3c1ab", "0" * 39, "0" * 41, "F" * 40, "HEAD", "main"])
def test_weak_digest_of_a_commit(who, commit):
    answer = post(who.secret, body(subject={"commit": commit}))
    assert (answer.status_code, code(answer)) == (422, "invalid")


TEXTS = st.text(alphabet="ab,\"'|:-[]{}\\ ", max_size=4)
WISHES = st.builds(
    dict,
    project=st.sampled_from(["a", "ab", "a-b", "a:b"]),
    environment=st.sampled_from(["b", "b-a", ":b", "ab"]),
    action=st.sampled_from(["a", "b", "ab"]),
    reason=TEXTS,
    labels=st.lists(TEXTS, max_size=3),
    subject=st.dictionaries(st.sampled_from(["commit", "artifact", "plan"]), TEXTS),
    run=st.fixed_dictionaries({"id": TEXTS, "attempt": st.integers(1, 3)}),
    claims=st.dictionaries(
        st.sampled_from(["x", "y"]),
        st.one_of(st.booleans(), st.integers(0, 2), st.floats(0, 2), TEXTS, st.lists(TEXTS)),
    ),
)


def typed(value):
    """Equality that tells 1, 1.0 and true apart."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return (type(value).__name__, repr(value))


@given(WISHES, WISHES)
@settings(max_examples=150)
def test_digest_ambiguity(one, other):
    """Two bodies share a digest only when they are the same body."""
    same = typed(one) == typed(other)
    assert (Submission(**one).body_digest() == Submission(**other).body_digest()) == same
    assert Submission(**one).body_digest() == Submission(**copy.deepcopy(one)).body_digest()


def test_digest_ambiguity_between_requests(who):
    """The same body asked twice is two requests: each redeems with its own digest only."""
    one, two = (approved_by(who.alice, ask(who, run={"id": "1", "attempt": 1})) for _ in range(2))
    assert one.digest != two.digest
    answer = redeem(who.secret, one, digest=two.digest)
    assert (answer.status_code, code(answer)) == (422, "invalid")
    goes_on(who, one)


def test_vote_carried_to_new_revision(who, forge, policy):
    """Neither another commit nor another round inherits a vote."""
    policy(STAGING_AUTO.replace("hold: [request.commit]", "hold: [git.head]"))
    forge.facts |= {"git.head": "a" * 40}
    request = approved_by(who.alice, forge.read(ask(who)))
    other = forge.read(ask(who, subject={"commit": OTHER}))
    assert (other.status, other.given) == ("pending", 0)
    forge.facts |= {"git.head": "b" * 40}
    assert redeem(who.secret, request).status_code == 409
    forge.read(request)
    assert (request.status, request.round, request.given) == ("pending", 2, 0)
    answer = call(who.secret, "get", f"/requests/{request.id}").json()
    assert [(d["round"], d["counts"]) for d in answer["decisions"]] == [(1, False)]
    assert redeem(who.secret, request).status_code == 409
    approved_by(who.alice, request)
    goes_on(who, request)


def test_double_use(who):
    """Only the run attempt that asked, and it gets the one permit however often it asks."""
    request = approved_by(who.alice, ask(who))
    for run in ({"id": request.run["id"], "attempt": 2}, {"id": "another", "attempt": 1}):
        answer = redeem(who.secret, request, run=run)
        assert (answer.status_code, code(answer)) == (403, "another-run")
    first = goes_on(who, request)
    assert goes_on(who, request) == first
    assert redeem(who.secret, request, run={"id": "another", "attempt": 1}).status_code == 403
    assert Permit.objects.filter(request=request).count() == 1


@pytest.fixture
def committed(transactional_db):
    """The company, where every thread sees it; production asks for two."""
    ensure_signing_key()
    return factories.company(STAGING_AUTO.replace("{count: 1,", "{count: 2,"))


def test_double_use_at_once(committed):
    request = ask(committed, "staging")
    results = together(*[lambda: factories.redeem(committed, request)] * 8)
    assert len({result.value.id for result in results}) == 1
    assert agree(request).status == "redeemed"


def test_concurrent_votes_lost(committed):
    request = ask(committed)
    results = together(
        lambda: vote(committed.alice, Request.objects.get(pk=request.pk)),
        lambda: vote(committed.bob, Request.objects.get(pk=request.pk)),
    )
    assert [result.value.status_code for result in results] == [303, 303]
    assert agree(request).status == "approved"


def test_deny_races_approve(committed):
    request = ask(committed)
    vote(committed.alice, request)
    together(
        lambda: vote(committed.bob, Request.objects.get(pk=request.pk), "reject", "No"),
        lambda: factories.redeem(committed, request),
        expire_all,
    )
    assert agree(request).status == "rejected"


def test_reapprove_extends(who):
    request = approved_by(who.alice, ask(who))
    before = (request.approved_at, request.use_by)
    refused(vote(who.bob, request), 409, "This request is approved")
    refused(vote(who.alice, request), 409, "This request is approved")
    request.refresh_from_db()
    assert (request.approved_at, request.use_by) == before
    Request.objects.filter(pk=request.pk).update(use_by=now() - timedelta(seconds=1))
    answer = redeem(who.secret, request)
    assert (answer.status_code, code(answer)) == (410, "expired")
    request.refresh_from_db()
    assert request.status == "expired"


def test_use_after_expiry_long_job(who):
    """A permit has to begin in time; then it lives by its heartbeat, and its end is recorded."""

    def beat(permit, run):
        return call(who.secret, "post", f"/permits/{permit['id']}/heartbeat", {"run": run})

    def run_of(request):
        return {"id": request.run["id"], "attempt": 1}

    never, long = approved_by(who.alice, ask(who)), approved_by(who.alice, ask(who))
    unused, used = goes_on(who, never), goes_on(who, long)
    assert beat(used, run_of(long)).json()["permit"]["status"] == "running"
    for permit in Permit.objects.all():
        backdate(permit, expires_at=now() - timedelta(seconds=1))
    answer = beat(unused, run_of(never))
    assert (answer.status_code, code(answer)) == (410, "expired")
    assert beat(used, run_of(long)).status_code == 200
    Permit.objects.filter(pk=used["id"]).update(heartbeat_at=now() - LOST_AFTER)
    expire_all()
    answer = beat(used, run_of(long))
    assert (answer.status_code, code(answer)) == (409, "illegal-state")
    ends = Entry.objects.filter(type__in=["permit.lost", "permit.expired"])
    assert {(e.request, e.type) for e in ends} == {
        (long.id, "permit.lost"),
        (never.id, "permit.expired"),
    }


@pytest.mark.parametrize("end", ["rejected", "withdrawn", "redeemed", "expired"])
def test_late_vote(who, end):
    """What was written is still on the page, but it decides nothing."""
    request = ask(who)
    if end == "rejected":
        vote(who.bob, request, "reject", "No")
    elif end == "withdrawn":
        browser(who.carol).post(f"/requests/{request.id}/withdraw", {"reason": "Later"})
    elif end == "redeemed":
        goes_on(who, approved_by(who.bob, request))
    else:
        Request.objects.filter(pk=request.pk).update(decide_by=now() - timedelta(seconds=1))
        expire_all()
    before = Decision.objects.filter(request=request).count()
    answer = vote(who.alice, request, comment="I come too late")
    refused(answer, 409, f"This request is {end}")
    assert "I come too late" in answer.content.decode()
    request.refresh_from_db()
    assert request.status == end
    assert Decision.objects.filter(request=request).count() == before


def test_late_vote_before_the_sweep(who):
    request, control = ask(who), ask(who)
    Request.objects.filter(pk=request.pk).update(decide_by=now() - timedelta(seconds=1))
    refused(vote(who.alice, request), 409, "The time to decide is over")
    approved_by(who.alice, control)


def test_reopen_keeps_votes(who):
    """What is over stays over, whoever writes to the row."""
    request = ask(who)
    vote(who.alice, request, "reject", "No")
    for status in ("pending", "approved", "submitted"):
        with pytest.raises(IntegrityError, match="illegal move"), transaction.atomic():
            Request.objects.filter(pk=request.pk).update(
                status=status, approved_at=now(), use_by=now()
            )
    again = ask(who)
    assert (again.status, again.given) == ("pending", 0)
    approved_by(who.alice, again)


@pytest.mark.parametrize("step", ["submit", "decide", "redeem", "heartbeat", "withdraw"])
def test_effect_before_record(who, step, monkeypatch):
    """When the record cannot be written, nothing has happened either."""
    request = ask(who)
    steps = {
        "submit": lambda: post(who.secret, body(), "the-key"),
        "decide": lambda: vote(who.alice, request),
        "redeem": lambda: redeem(who.secret, request),
        "heartbeat": lambda: call(
            who.secret,
            "post",
            f"/permits/{Permit.objects.get(request=request).id}/heartbeat",
            {"run": {"id": request.run["id"], "attempt": 1}},
        ),
        "withdraw": lambda: call(
            who.secret,
            "post",
            f"/requests/{request.id}/withdraw",
            {"run": {"id": request.run["id"], "attempt": 1}},
        ),
    }
    if step in {"redeem", "heartbeat"}:
        approved_by(who.alice, request)
    if step == "heartbeat":
        goes_on(who, request)
    before = everything()
    with monkeypatch.context() as broken:
        broken.setattr(Change, "save", lambda self: 1 / 0)
        with suppress(ZeroDivisionError):  # the API answers 500, the test client of a page raises
            assert steps[step]().status_code == 500
    assert everything() == before
    assert steps[step]().status_code in {200, 201, 303}
    assert everything() != before


def everything():
    """All that could have been left half-written."""
    return [
        sorted(Request.objects.values_list("id", "status", "version", "ledger_seq")),
        sorted(Permit.objects.values_list("id", "status", "heartbeat_at")),
        Decision.objects.count(),
        Snapshot.objects.count(),
        Entry.objects.filter(request__isnull=False).count(),
    ]


@pytest.mark.parametrize("outcome", ["approve", "reject"])
def test_stale_page_vote(who, forge, policy, outcome):
    """The page shows one world, the portal knows another: 409 with what changed."""
    policy(STAGING_AUTO.replace("hold: [request.commit]", "hold: [git.head]"))
    forge.facts |= {"git.head": "a" * 40}
    request = forge.read(ask(who))
    shown = request.snapshot.digest
    forge.facts |= {"git.head": "b" * 40}
    forge.read(request)
    answer = vote(who.alice, request, outcome, "On what I saw", snapshot=shown)
    refused(answer, 409, "On what I saw")
    text = re.sub(r"\s+", " ", answer.content.decode())
    assert "a" * 12 in text
    assert "b" * 12 in text
    assert not Decision.objects.filter(request=request).exists()
    approved_by(who.alice, request)


def test_stale_page_vote_where_nothing_that_matters_moved(who, forge):
    """The decision stands, on the facts that were on the screen."""
    forge.facts |= {"git.head": "a" * 40}
    request = forge.read(ask(who))
    shown = request.snapshot.digest
    forge.facts |= {"git.head": "b" * 40}
    forge.read(request)
    assert request.snapshot.digest != shown
    assert vote(who.alice, request, snapshot=shown).status_code == 303
    assert Decision.objects.get(request=request).snapshot.digest == shown


@pytest.mark.parametrize("shown", ["", "sha256:" + "0" * 64, "another request's"])
def test_stale_page_vote_that_saw_nothing(who, shown):
    """A digest that is not of this request proves that nobody looked at it."""
    request = ask(who)
    if shown == "another request's":
        shown = ask(who, subject={"commit": OTHER}).snapshot.digest
    refused(vote(who.alice, request, snapshot=shown), 409, "Look at the facts first")
    request.refresh_from_db()
    assert request.status == "pending"
    approved_by(who.alice, request)


def test_stale_row_is_not_overwritten(who):
    """The version is in the WHERE of the one UPDATE."""
    request = ask(who)
    change = Change(request, SYSTEM)
    change.set(given=7)
    change.note("verdict.given")
    Request.objects.filter(pk=request.pk).update(version=F("version") + 1)
    with pytest.raises(Moved), transaction.atomic():
        change.save()
    assert Request.objects.get(pk=request.pk).given == 0
