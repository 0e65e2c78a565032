"""Letter E of the attacks: the reviewer's surfaces."""

import base64
import itertools
import json
import re

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError

from approvals.lifecycle.receipt import ensure_signing_key, signers
from approvals.models import Decision, Permit, Request
from approvals.queries.values import said, whole
from approvals.views.stream import same_origin
from policies.language.facts import Facts, Known
from portal.kernel.clock import now
from portal.ledger.models import Entry
from tests.access.world import build, every_address
from tests.api import body, call, code, post, redeem
from tests.attacks.surfaces import approved_by, browser, refused, vote
from tests.factories import ask

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
HIDDEN = "safe\u202egnp.exe\u202c \u200b\u2066x\u2069\ufeff"


def state():
    """Everything that a read must not change. That evidence was taken out is recorded, though."""
    return [
        sorted(Request.objects.values_list("id", "status", "version")),
        Decision.objects.count(),
        sorted(Permit.objects.values_list("id", "status", "heartbeat_at")),
        Entry.objects.exclude(type="evidence.read").count(),
    ]


def test_get_approves(db):
    """No address changes anything when it is only read: a mail scanner follows every link."""
    ensure_signing_key()
    world = build()
    request = world.shop.request
    pages = [browser(world.people[one]) for one in ("approver", "administrator")]
    before = state()
    decide = {"outcome": "approve", "snapshot": request.snapshot.digest, "reason": "x"}
    for name, parameters in every_address().items():
        address = reverse(name, kwargs=world.arguments(name, parameters, world.shop))
        for page, method in itertools.product(pages, ("get", "head", "options")):
            answer = getattr(page, method)(address, decide)
            assert answer.status_code < 500, (method, address)
            if method == "head":
                parts = answer.streaming_content if answer.streaming else [answer.content]
                assert b"".join(parts) == b"", address
    assert state() == before
    approved_by(world.people["approver"], request)


def test_csrf_approve(who):
    """Another site can make the browser post, but it cannot read the page's token."""
    request = ask(who)
    page = browser(who.alice, checks_csrf=True)
    address = f"/requests/{request.id}"
    form = {"outcome": "approve", "snapshot": request.snapshot.digest}
    refused(page.post(f"{address}/decide", form), 403, "came from elsewhere")
    htmx = page.post(f"{address}/decide", form, HTTP_HX_REQUEST="true")
    assert htmx.status_code == 403
    for action in ("withdraw", "revoke"):
        assert page.post(f"{address}/{action}", {"reason": "x"}).status_code == 403
    assert not Decision.objects.exists()
    token = re.search(
        r'name="csrfmiddlewaretoken" value="(\w+)"', page.get(address).content.decode()
    )
    form["csrfmiddlewaretoken"] = token[1]
    elsewhere = page.post(f"{address}/decide", form, HTTP_ORIGIN="https://evil.example")
    assert elsewhere.status_code == 403
    assert page.post(f"{address}/decide", form).status_code == 303


def test_csrf_approve_through_the_api(who):
    """A browser's session is no credential for the API, so no other site can use it."""
    request = approved_by(who.alice, ask(who))
    page = browser(who.admin, checks_csrf=True)
    wish = {"run": {"id": request.run["id"], "attempt": 1}, "digest": request.digest}
    address = f"/api/v1/requests/{request.id}/redeem"
    answer = page.post(address, json.dumps(wish), content_type="application/json")
    assert (answer.status_code, code(answer)) == (401, "unauthenticated")
    assert redeem(who.secret, request).status_code == 200


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"origin": "http://portal.example"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "http://portal.example"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "http://portal.example.evil.example"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
    ],
)
def test_csrf_socket(headers, passes):
    """The live stream looks at where the page came from."""
    found = {"host": "portal.example", **headers}
    scope = {"headers": [(name.encode(), value.encode()) for name, value in found.items()]}
    assert same_origin(scope) is passes


def test_reader_can_approve(who):
    """Carol sees the request and everything on it; deciding is another right."""
    request = ask(who, run={"id": "1", "attempt": 1})
    reader = browser(who.deputy)
    page = reader.get(f"/requests/{request.id}")
    assert page.status_code == 200
    assert "Only members of team-leads may decide" in page.content.decode()
    assert 'name="snapshot"' not in page.content.decode()
    for outcome in ("approve", "reject"):
        refused(vote(who.deputy, request, outcome), 403, "Only members of team-leads may decide")
    request.refresh_from_db()
    assert request.status == "pending"
    approved_by(who.alice, request)


@pytest.fixture
def two(db):
    """Two projects, a token of each, and a running permit of each."""
    ensure_signing_key()
    world = build()
    for place in (world.shop, world.bank):
        place.request = approved_by(world.people["approver"], place.request)
        permit = redeem(place.secret, place.request).json()["permit"]
        place.permit = permit["id"]
    return world


def test_idor_other_project(two):
    """With another project's token its ids do not exist: the same answer as for ids that never
    were, in every call."""
    request = two.shop.request
    run = {"id": request.run["id"], "attempt": 1}
    calls = [
        ("get", f"/requests/{request.id}", None),
        ("get", f"/requests/{request.id}?wait=0&after=0", None),
        ("get", f"/requests/{request.id}/stream", None),
        ("post", f"/requests/{request.id}/redeem", {"run": run, "digest": request.digest}),
        ("post", f"/requests/{request.id}/withdraw", {"run": run}),
        ("post", f"/permits/{two.shop.permit}/heartbeat", {"run": run}),
        ("post", f"/permits/{two.shop.permit}/finish", {"run": run, "outcome": "failed"}),
    ]
    nobody = "01a20ae7-5406-70fd-bb79-97d5d69526cb"
    for method, path, wish in calls:
        theirs = call(two.bank.secret, method, path, wish)
        assert (theirs.status_code, code(theirs)) == (404, "not-found"), path
        never = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", nobody, path)
        assert call(two.bank.secret, method, never, wish).json() == theirs.json()
    answer = post(two.bank.secret, body())
    assert (answer.status_code, code(answer)) == (404, "not-found")
    own = call(two.shop.secret, "post", f"/permits/{two.shop.permit}/heartbeat", {"run": run})
    assert own.status_code == 200


def test_idor_other_project_in_lists(two):
    """Neither list names what its reader may not see."""
    secret, own = str(two.bank.request.id), str(two.shop.request.id)
    for address in ("/requests/", "/?tab=decided", "/?tab=all", "/projects/"):
        page = browser(two.people["viewer"]).get(address).content.decode()
        assert secret not in page
        assert "bank" not in page.casefold()
    assert own in browser(two.people["viewer"]).get("/requests/").content.decode()
    assert secret in browser(two.people["auditor"]).get("/requests/").content.decode()
    row = browser(two.people["viewer"]).get(f"/queue/rows/{secret}?tab=decided")
    assert (row.status_code, row.content) == (204, b"")


CONTROLS = ["\x00", "\x07", "\x1b[31m", "\r", "\x7f", "\x9b", "\ud800"]


@pytest.mark.parametrize("text", CONTROLS)
def test_control_chars_in_reason(who, text):
    """Nothing that moves a terminal's cursor or splits a log line comes in, in any field."""
    wishes = [
        body(reason=f"a{text}b"),
        body(labels=[f"a{text}b"]),
        body(run={"id": f"a{text}b"}),
        body(run={"id": "1", "actor": f"a{text}b"}),
        body(run={"id": "1", "url": f"https://ci.example/{text}"}),
        body(subject={"commit": "1" * 40, "ref": f"refs/heads/{text}"}),
        body(environment=f"a{text}b"),
        body(claims={f"a{text}b": 1}),
    ]
    for wish in wishes:
        answer = post(who.secret, wish)
        assert answer.status_code in {400, 422}, wish
        assert code(answer) in {"invalid", "malformed-json"}
    if text != "\ud800":  # no form can carry half a character
        answer = vote(who.alice, ask(who), "reject", comment=f"a{text}b")
        refused(answer, 422, "contains the control character")
    assert post(who.secret, body(reason="Two\nlines, one\ttab")).status_code == 201


def test_huge_reason(who):
    """4,096 bytes, not characters; and a cap on the whole."""
    fits, over = "é" * 2048, "é" * 2049
    assert post(who.secret, body(reason=fits)).status_code == 201
    answer = post(who.secret, body(reason=over))
    assert (answer.status_code, code(answer)) == (422, "invalid")
    answer = post(who.secret, body(labels=["x" * 100] * 51))
    assert (answer.status_code, code(answer)) == (422, "invalid")
    for size in (65 * 1024, 2 * 1024 * 1024):
        answer = post(who.secret, body(reason="x" * size))
        assert (answer.status_code, code(answer)) == (413, "too-large")
    refused(vote(who.alice, ask(who), "reject", over), 422, "is longer than 4096 bytes")
    assert vote(who.alice, ask(who), "reject", fits).status_code == 303


@pytest.mark.parametrize("text", [HOSTILE, "</textarea>" + HOSTILE, "{{ 7|add:7 }}{% now %}"])
def test_markup_injection(who, text):
    """Whatever a pipeline or a person writes is text on every page."""
    request = ask(
        who,
        reason=text,
        labels=[text[:90]],
        run={"id": text, "attempt": 1, "actor": text, "pipeline": text, "job": text},
    )
    vote(who.alice, request, "reject", text)
    again = ask(who, reason=text)
    kept = vote(who.alice, again, comment=text, snapshot="sha256:" + "0" * 64)
    pages = [
        browser(who.bob).get(address).content.decode()
        for address in (
            f"/requests/{request.id}",
            f"/requests/{request.id}/live",
            "/requests/",
            "/?tab=all",
            "/?tab=decided",
        )
    ]
    for page in [*pages, kept.content.decode()]:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "14" not in re.findall(r"\{\{ .*? \}\}", page)
    assert "alert(1)" in pages[0] or "7|add:7" in pages[0]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://x", " https://x"]
)
def test_markup_injection_in_links(who, url):
    answer = post(who.secret, body(run={"id": "1", "url": url}))
    assert (answer.status_code, code(answer)) == (422, "invalid")
    request = post(who.secret, body(run={"id": "1", "url": 'https://ci.example/"><b>'})).json()
    page = browser(who.alice).get(f"/requests/{request['id']}").content.decode()
    assert '"><b>' not in page


def test_hidden_unicode(who):
    """Characters that reorder or vanish are shown by their number."""
    request = ask(
        who, reason=HIDDEN, run={"id": "1", "attempt": 1, "actor": HIDDEN, "pipeline": HIDDEN}
    )
    vote(who.alice, request, "reject", HIDDEN)
    for address in (f"/requests/{request.id}", "/requests/", "/?tab=decided"):
        page = browser(who.bob).get(address).content.decode()
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]", page), address
        assert "⟨U+202E⟩" in page, address


SHORT = {
    "git.subject": "Raise the price",
    "git.stat": ("1 0 src/a.py",),
    "git.commits": ("0123456789ab dev@example.com Raise",),
}
CUT = {
    "a long text": ("git.subject", "git.subject", "Raise the price " * 40 + "and drop it all"),
    "many files": ("files", "git.stat", tuple(f"{n} 0 src/{n}.py" for n in range(9, 18))),
    "a long path": ("files", "git.stat", ("1 0 src/" + "a" * 900 + "/drop it all",)),
    "many commits": (
        "commits",
        "git.commits",
        tuple(f"{n:012} dev@example.com Part {n}" for n in range(9)),
    ),
    "a long subject": (
        "commits",
        "git.commits",
        ("0123456789ab dev@example.com " + "Raise " * 90 + "and drop it all",),
    ),
}


@pytest.mark.parametrize(("place", "fact", "value"), CUT.values(), ids=CUT)
def test_truncated_view(who, forge, place, fact, value):
    """What the page shows a beginning of is opened before anybody approves it."""
    for cut, shown in ((False, SHORT[fact]), (True, value)):
        forge.facts |= {**SHORT, fact: shown}
        request = forge.read(ask(who))
        page = browser(who.alice).get(f"/requests/{request.id}").content.decode()
        assert (f'name="opened" value="{place}"' in page) is cut
        if cut:
            folded = re.search(rf'(?s)data-keep="{place}" data-opens>(.*?)</details>', page)[1]
            assert any(end in folded for end in ("drop it all", "src/9.py", "Part 8"))
            refused(vote(who.alice, request), 422, "shows only a beginning")
            refused(vote(who.alice, request, opened="something else"), 422, "only a beginning")
            assert not request.decisions.exists()
        assert vote(who.alice, request, opened=place).status_code == 303


BESIDE = {
    "deployment.by": {"deployment.sha": "3c9e7f10"},
    "alerts.worst": {"alerts.firing": ("Errors",)},
    "incident.worst": {"incident.open": ("INC-1",)},
    "pr.title": {"pr.number": 7},
    "ci.failed": {"ci.state": "failure", "ci.total": 1},
    "pr.changes_requested": {"pr.review_state": "changes_requested"},
}


@pytest.mark.parametrize(("fact", "row"), BESIDE.items(), ids=BESIDE)
def test_truncated_view_of_what_a_row_says_beside_its_value(fact, row):
    for text, cut in (("short", False), ("long " * 100 + "and drop it all", True)):
        values = {**row, fact: (text,) if fact in ("ci.failed", "pr.changes_requested") else text}
        known = {name: Known(value, "git", now(), "attested") for name, value in values.items()}
        shown = said(Facts(known), next(iter(row)))
        assert (text in f"{shown.value} {shown.more}") is not cut
        assert ("and drop it all" in whole(Facts(known), next(iter(row)))) is cut


def test_truncated_view_can_be_rejected_unopened(who, forge):
    forge.facts |= {"git.stat": CUT["many files"][2]}
    request = forge.read(ask(who))
    assert vote(who.alice, request, "reject", "Too large").status_code == 303


def test_forged_status(who):
    """Somebody writes `approved` into the row by hand: without votes there is no permit."""
    request = ask(who)
    Request.objects.filter(pk=request.pk).update(
        status="approved", approved_at=now(), use_by=now().replace(year=now().year + 1)
    )
    answer = redeem(who.secret, request)
    assert (answer.status_code, code(answer)) == (409, "drift")
    assert not Permit.objects.exists()
    request.refresh_from_db()
    assert (request.status, request.round) == ("pending", 2)
    with pytest.raises(IntegrityError, match="illegal move"), transaction.atomic():
        Request.objects.filter(pk=request.pk).update(status="redeemed")
    approved_by(who.alice, request)
    assert redeem(who.secret, request).status_code == 200


def test_forged_status_in_a_receipt(who):
    """A pipeline believes the signature, not what stands around it."""
    request = approved_by(who.alice, ask(who))
    receipt = redeem(who.secret, request).json()["receipt"]
    key = signers()[0].public_key
    Envelope.from_dict(json.loads(json.dumps(receipt))).verify([key], 1)
    statement = json.loads(base64.b64decode(receipt["payload"]))
    assert statement["predicate"]["request"]["digest"] == request.digest
    statement["predicate"]["environment"] = "staging"
    receipt["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    with pytest.raises(VerificationError):
        Envelope.from_dict(receipt).verify([key], 1)


def test_nobody_signed_in_sees_anything(who):
    request = ask(who)
    for address in ("/", "/requests/", f"/requests/{request.id}", "/projects/", "/people/"):
        answer = Client().get(address)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/account/login/")
