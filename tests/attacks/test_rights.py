"""Letters A and C, across all surfaces: whoever may not, may not anywhere, for the same reason.

And ways to get a right by oneself, or to make a decision look like one that it is not.
"""

import ast
import json

import pytest
from django.test import Client
from django.urls import reverse

from approvals.lifecycle.decide import SnapshotMoved
from approvals.lifecycle.receipt import ensure_signing_key
from approvals.models import Decision
from approvals.permissions import why_not
from approvals.queries import QueueFilters, queue_row
from policies.models import Policy
from policies.publishing import publish_version, save_version
from portal.access import grant_role
from portal.kernel.errors import Forbidden
from portal.ledger.models import Entry
from tests.access.world import build, every_address
from tests.api import redeem
from tests.attacks.surfaces import approved_by, browser, refused, vote
from tests.attacks.test_a import CODE, join, leads, undecided
from tests.factories import STAGING_AUTO, ask, decide

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("why", ["owns the account", "issued the token", "started the run"])
def test_a1_self_approve_is_refused_alike_on_every_surface(who, why):
    """Page, list, form and service give one sentence; the API has nothing that decides."""
    barred = {"owns the account": who.carol, "issued the token": who.admin}.get(why, who.alice)
    if barred != who.alice:
        join(who, barred)
    request = ask(who, run={"id": "61", "attempt": 1, "actor": who.alice.email})
    refusal = why_not(barred, "decide", request)
    assert (refusal.code, refusal.status) == ("own-change", 403)
    assert refusal.sentence in browser(barred).get(f"/requests/{request.id}").content.decode()
    row = queue_row(barred, request.id, QueueFilters(tab="all"))
    assert (row.may_decide, row.why_not, row.own) == (False, refusal.sentence, True)
    refused(vote(barred, request), 403, refusal.sentence)
    refused(vote(barred, request, "reject"), 403, refusal.sentence)
    assert undecided(request)
    approved_by(who.bob, request)


def test_a10_token_votes_as_human_at_no_address(db):
    """A project token, a session's cookie taken to the API, or both: no address decides."""
    ensure_signing_key()
    world = build()
    place = world.shop
    request = place.request
    form = {"outcome": "approve", "comment": "x", "snapshot": request.snapshot.digest}
    token = {"HTTP_AUTHORIZATION": f"Bearer {place.secret}"}
    for name, parameters in every_address().items():
        address = reverse(name, kwargs=world.arguments(name, parameters, place))
        answers = [
            Client(raise_request_exception=False).post(address, form, **token),
            Client(raise_request_exception=False).post(
                address, json.dumps(form), content_type="application/json", **token
            ),
        ]
        assert all(answer.status_code < 500 for answer in answers), address
    assert not Decision.objects.exists()
    request.refresh_from_db()
    assert request.status == "pending"
    approved_by(world.people["approver"], request)


def test_a7_admin_self_approve_has_no_door_in_the_code():
    """Nothing asks whether somebody is a superuser, and nothing but our own door for rights."""
    asked = {
        f"{path.name}:{node.attr}"
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in {"is_superuser", "is_staff", "has_perm", "has_perms", "has_module_perms"}
    }
    assert asked == set()


def test_c7_loosen_approve_restore(who, policy):
    """A policy that asks less is somebody else's to publish, and frees nothing that waits."""
    strict = STAGING_AUTO.replace("{count: 1,", "{count: 2,")
    policy(strict)
    request = ask(who)
    looser = save_version(by=who.deputy, policy=Policy.objects.get(), text=STAGING_AUTO)
    with pytest.raises(Forbidden) as refusal:
        publish_version(by=who.deputy, version=looser)
    assert refusal.value.code == "own-version"
    policy(f"# The same by somebody else.\n{STAGING_AUTO}")
    with pytest.raises(SnapshotMoved):
        decide(request, who.alice)
    assert decide(request, who.alice).status == "pending"
    approved_by(who.bob, request)


@pytest.mark.parametrize("role", ["maintainer", "group-manager", "policy-publisher"])
def test_c9_owner_escalates(who, role):
    """Who runs a project, a group or its policies gets nothing more by it, for themselves."""
    target = leads() if role == "group-manager" else who.project
    grant_role(by=who.admin, to=who.carol, role=role, target=target)
    page, project = browser(who.carol), who.project.pk
    group, roles = f"/groups/{leads().pk}", f"/projects/{project}/roles"
    for address, form in (
        (group, {"person": "carol"}),
        (f"{group}/roles", {"to": "carol", "role": "group-manager"}),
        (roles, {"to": "carol", "role": "policy-publisher"}),
        ("/people/roles", {"to": "carol", "role": "administrator"}),
    ):
        assert page.post(address, form).status_code == 403, address
    assert not leads().memberships.filter(person=who.carol).exists()
    request = ask(who)
    assert vote(who.carol, request).status_code == 403
    approved_by(who.alice, request)


def test_c11_auto_decision_mislabelled(who):
    """What policy let through says so everywhere, and names no person."""
    request = ask(who, "staging")
    by_people = approved_by(who.alice, ask(who))
    assert request.status == "approved"
    assert not Decision.objects.filter(request=request).exists()
    said = [
        json.loads(bytes(Entry.objects.get(request=one.id, type="request.approved").payload))
        for one in (request, by_people)
    ]
    assert [one["decision"]["by"] for one in said] == ["policy", "people"]
    assert [one["actor"]["kind"] for one in said] == ["system", "person"]
    page = browser(who.alice).get(f"/requests/{request.id}").content.decode()
    assert "Approved by policy" in page
    answers = [redeem(who.secret, one).json() for one in (request, by_people)]
    assert all(answer["receipt"] for answer in answers)
