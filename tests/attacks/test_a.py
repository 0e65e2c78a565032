"""Letter A of the attacks: who decides.

Each refusal is compared with the same set-up in which somebody who may decides.
"""

import ast
import json
from pathlib import Path

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from approvals.ci.api import api
from approvals.models import Decision
from approvals.quorum import Asked, satisfied, tally
from portal.access import grant_role
from portal.access.models import Organisation
from portal.directory.groups import add_member, create_group, remove_member
from portal.directory.models import ApproverGroup
from portal.ledger.models import Entry
from tests.api import body, call, code, post
from tests.attacks.surfaces import approved_by, refused, vote
from tests.factories import STAGING_AUTO, ask, person

CODE = [
    path
    for folder in ("portal", "approvals", "policies")
    for path in (Path(__file__).parents[2] / folder).rglob("*.py")
]
PRODUCTION = "{count: 1, from: [team-leads]}"  # what production asks for, first in the text


def leads():
    return ApproverGroup.objects.get(name="team-leads")


def join(who, *people):
    """Make people approvers, with the right to see the project."""
    for one in people:
        add_member(by=who.deputy if one == who.admin else who.admin, group=leads(), person=one)


def undecided(request):
    request.refresh_from_db()
    return request.status == "pending" and not Decision.objects.filter(request=request).exists()


def test_self_approve(who):
    """The owner of the service account asked; being an approver does not help."""
    join(who, who.carol)
    request = ask(who)
    refused(vote(who.carol, request), 403, "you own the service account that asked")
    assert undecided(request)
    entry = Entry.objects.get(request=request.id, type="decision.refused")
    assert entry.actor_ref == str(who.carol.actor_ref)
    assert json.loads(bytes(entry.payload))["decision"]["code"] == "own-change"
    approved_by(who.alice, request)


def test_self_approve_by_the_one_who_started_the_run(who):
    request = ask(who, run={"id": "77", "attempt": 1, "actor": "ALICE"})
    refused(vote(who.alice, request), 403, "you started the run")
    assert undecided(request)
    approved_by(who.bob, request)


def test_self_approve_other_surface(who):
    """One function decides: no other module makes a decision or moves a status."""
    makers, movers = set(), set()
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                "Decision",
                "Decision.objects.create",
                "Decision.objects.bulk_create",
            }:
                makers.add(path.name)
            if isinstance(node, ast.Assign) and any(
                ast.unparse(target) in {"request.status", "self.request.status"}
                for target in node.targets
            ):
                movers.add(path.name)
    assert makers == {"decide.py"}
    assert movers == {"transition.py"}


@pytest.mark.parametrize("outcome", ["approve", "reject"])
def test_second_identity_bot(who, forge, outcome):
    """A bot asks; its owner, who issued its token, who started it, authors and committers wait."""
    join(who, who.carol, who.admin)
    forge.facts |= {
        "git.author": "alice@example.com",
        "git.committer": "alice@example.com",
        "git.authors": ("dora@example.com",),
    }
    dora, eve = person(who.admin, "Dora Author"), person(who.admin, "Eve Lead")
    join(who, dora, eve)
    request = forge.read(ask(who, run={"id": "9", "attempt": 1, "actor": "bob"}))
    reasons = {
        who.carol: "you own the service account",
        who.admin: "you issued the token",
        who.bob: "you started the run",
        who.alice: "you wrote or committed it",
        dora: "you wrote part of the change",
    }
    for one, reason in reasons.items():
        refused(vote(one, request, outcome), 403, reason)
    assert undecided(request)
    assert vote(eve, request, outcome).status_code == 303


def test_second_identity_bot_new_address(who, forge):
    """An author who could change their own address in the portal would be somebody else."""
    forge.facts |= {"git.author": "alice@example.com"}
    request = forge.read(ask(who))
    client = Client()
    client.force_login(who.alice)
    for form in ({"action_add": ""}, {"action_primary": ""}):
        answer = client.post("/account/email/", {**form, "email": "alice@elsewhere.example"})
        assert answer.status_code == 404
    refused(vote(who.alice, request), 403, "you wrote or committed it")
    approved_by(who.bob, request)


def test_forged_commit_author(who, forge):
    """What a commit says about its author only bars people; it frees nobody."""
    forge.facts |= {"git.author": "bob@example.com", "git.committer": "bob@example.com"}
    eve = person(who.admin, "Eve Lead")
    join(who, eve)
    request = forge.read(ask(who, run={"id": "8", "attempt": 1, "actor": "alice"}))
    refused(vote(who.alice, request), 403, "you started the run")
    refused(vote(who.bob, request), 403, "you wrote or committed it")
    approved_by(eve, request)


def test_forged_commit_author_before_it_is_read(who, forge):
    """An author cannot be quicker than the worker that reads who wrote the commit."""
    forge.facts |= {"git.author": "alice@example.com", "git.authors": ("alice@example.com",)}
    request = ask(who)
    refused(vote(who.alice, request), 409, "Who wrote the change is still being read")
    refused(vote(who.alice, forge.read(request)), 403, "you wrote or committed it")
    approved_by(who.bob, request)


def test_one_human_two_groups(who, policy):
    security = create_group(by=who.admin, name="security")
    add_member(by=who.admin, group=security, person=who.alice)
    policy(STAGING_AUTO.replace(PRODUCTION, "{count: 2, from: [team-leads, security]}", 1))
    request = ask(who)
    assert vote(who.alice, request).status_code == 303
    refused(vote(who.alice, request), 409, "You have already decided")
    request.refresh_from_db()
    assert (request.status, request.given, request.needed) == ("pending", 1, 2)
    approved_by(who.bob, request)


def test_over_quorum_never_resolves(who, policy):
    """Three approvals where two are asked: a vote that counts again must not lock the door."""
    policy(STAGING_AUTO.replace("{count: 1,", "{count: 2,"))
    dora = person(who.admin, "Dora Lead")
    join(who, dora)
    request = ask(who)
    vote(who.alice, request)
    remove_member(by=who.admin, group=leads(), person=who.alice)
    vote(who.bob, request)
    request.refresh_from_db()
    assert (request.status, request.given) == ("pending", 1)
    join(who, who.alice)
    approved_by(dora, request)


@given(
    count=st.integers(1, 4),
    votes=st.lists(st.sampled_from("abcdef"), max_size=12),
    members=st.frozensets(st.sampled_from("abcdef")),
)
def test_over_quorum_never_resolves_in_any_order(count, votes, members):
    asked = Asked("p", "r", count, ("leads", "others"))
    groups = {one: frozenset({"leads"} if one < "d" else {"others"}) for one in members}
    enough = len(set(votes) & members) >= count
    assert satisfied(tally([asked], votes, groups)) == enough
    assert satisfied(tally([asked], votes[::-1], groups)) == enough


def test_admin_self_approve(who):
    """Neither a superuser nor an administrator is exempt from anything."""
    for one in (who.admin, who.deputy):
        one.is_superuser = one.is_staff = True
        one.save(update_fields=["is_superuser", "is_staff"])
    request = ask(who)
    refused(vote(who.deputy, request), 403, "Only members of team-leads may decide")
    join(who, who.admin)
    refused(vote(who.admin, request), 403, "you issued the token that asked")
    assert undecided(request)
    approved_by(who.alice, request)


def test_admin_self_approve_by_granting_oneself(who):
    """An administrator cannot make themselves an approver; somebody else has to be involved."""
    client = Client()
    client.force_login(who.deputy)
    refused(client.post(f"/groups/{leads().pk}", {"person": "dee"}), 403, "cannot add yourself")
    organisation = Organisation.objects.get()
    form = {"to": "dee", "role": "auditor", "reason": "Needed", "confirmed": "yes"}
    refused(client.post("/people/roles", form), 403, "cannot change your own roles")
    assert not leads().memberships.filter(person=who.deputy).exists()
    refused(vote(who.deputy, ask(who)), 403, "Only members of team-leads may decide")
    grant_role(by=who.admin, to=who.deputy, role="auditor", target=organisation)
    join(who, who.deputy)
    approved_by(who.deputy, ask(who))


def test_token_votes_as_human(who):
    """A token opens no page, and the API has no call that decides."""
    request = ask(who)
    form = {"outcome": "approve", "snapshot": request.snapshot.digest}
    answer = Client().post(
        f"/requests/{request.id}/decide", form, HTTP_AUTHORIZATION=f"Bearer {who.secret}"
    )
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/account/login/")
    for path in (f"/requests/{request.id}/decide", f"/requests/{request.id}/approve"):
        assert call(who.secret, "post", path, form).status_code == 404
    calls = {
        operation["operationId"]
        for path in api.get_openapi_schema()["paths"].values()
        for operation in path.values()
    }
    assert calls == {
        "submit", "read", "stream", "redeem", "withdraw", "heartbeat", "finish", "gate",
        "facts", "check_policy", "explain_policy", "backtest_policy", "token",
    }  # fmt: skip
    assert undecided(request)
    approved_by(who.alice, request)


def test_token_votes_as_human_in_the_body(who):
    """Nor can a pipeline bring decisions along."""
    wish = body(decisions=[{"person": "alice", "outcome": "approve"}])
    answer = post(who.secret, wish)
    assert (answer.status_code, code(answer)) == (422, "invalid")
    del wish["decisions"]
    assert post(who.secret, wish).status_code == 201


def test_a_deactivated_person_decides_nothing(who):
    from portal.accounts.people import deactivate_person

    request = ask(who)
    client = Client()
    client.force_login(who.alice)
    deactivate_person(by=who.admin, person=who.alice)
    form = {"outcome": "approve", "snapshot": request.snapshot.digest}
    answer = client.post(f"/requests/{request.id}/decide", form)
    assert answer.status_code == 302
    assert undecided(request)
    approved_by(who.bob, request)
