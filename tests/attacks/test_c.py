"""Letter C of the attacks, as far as today's surfaces go: policy from elsewhere, checks that check
nothing, fields that are nobody's to set.
"""

import ast
from pathlib import Path

import pytest

from approvals.models import Request
from portal.accounts.models import User
from tests.api import body, call, code, post, redeem
from tests.attacks.surfaces import approved_by, browser
from tests.factories import ask

CODE = [
    path
    for folder in ("portal", "approvals", "policies")
    for path in (Path(__file__).parents[2] / folder).rglob("*.py")
]
# Django's asynchronous doubles: without `await` they are true and do nothing.
ASYNC_DOUBLES = {
    "aget", "afirst", "alast", "acount", "aexists", "acreate", "aupdate", "adelete", "asave",
    "aget_or_create", "aupdate_or_create", "abulk_create", "arefresh_from_db", "ahas_perm",
    "ahas_perms", "alogin", "alogout", "aauthenticate", "aget_user", "aiterator", "acontains",
}  # fmt: skip


@pytest.mark.parametrize(
    "field",
    [
        {"policy": "shop"},
        {"policies": [{"policy": "mine", "rules": []}]},
        {"rules": []},
        {"pinned": []},
        {"decide_within": "24h"},
    ],
)
def test_policy_from_the_change(who, field):
    """A pipeline cannot bring its own policy: the portal's is the only one."""
    answer = post(who.secret, body(**field))
    assert (answer.status_code, code(answer)) == (422, "invalid")
    assert answer.json()["errors"][0]["field"] == next(iter(field))
    control = post(who.secret, body()).json()
    assert [used["policy"] for used in control["verdict"]["policies"]] == ["shop"]


def test_truthy_permission_check():
    """No test of a tuple, no forgotten `await`: both are always true."""
    always_true = []
    for path in CODE:
        tree = ast.parse(path.read_text())
        awaited = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Await)}
        for node in ast.walk(tree):
            tested = getattr(node, "test", None)
            if isinstance(tested, ast.Tuple):
                always_true.append(f"{path.name}:{node.lineno}")
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "attr", "") in ASYNC_DOUBLES
                and id(node) not in awaited
            ):
                always_true.append(f"{path.name}:{node.lineno}")
    assert always_true == []


SERVER_FIELDS = {
    "id": "01a20ae7-5406-70fd-bb79-97d5d69526cb",
    "status": "approved",
    "approved_at": "2026-01-01T00:00:00Z",
    "digest": "sha256:" + "0" * 64,
    "round": 2,
    "given": 9,
    "verdict": {"outcome": "allow"},
    "account": "admin",
    "is_superuser": True,
}


@pytest.mark.parametrize("field", SERVER_FIELDS)
def test_mass_assignment(who, field):
    """What the server sets cannot be sent."""
    answer = post(who.secret, body(**{field: SERVER_FIELDS[field]}))
    assert (answer.status_code, code(answer)) == (422, "invalid")
    assert answer.json()["errors"] == [
        {"field": field, "message": "is not a field of this call; remove it"}
    ]
    assert not Request.objects.exists()
    assert post(who.secret, body()).json()["status"] == "pending"


@pytest.mark.parametrize("part", ["subject", "run"])
def test_mass_assignment_inside(who, part):
    wish = body()
    wish[part]["status"] = "approved"
    answer = post(who.secret, wish)
    assert (answer.status_code, code(answer)) == (422, "invalid")
    assert answer.json()["errors"][0]["field"] == f"{part}.status"


def test_mass_assignment_in_the_later_calls(who):
    request = approved_by(who.alice, ask(who))
    run = {"id": request.run["id"], "attempt": 1}
    answer = redeem(who.secret, request, expires_at="2030-01-01T00:00:00Z")
    assert (answer.status_code, code(answer)) == (422, "invalid")
    answer = redeem(who.secret, request, run={**run, "actor": "alice"})
    assert (answer.status_code, code(answer)) == (422, "invalid")
    permit = redeem(who.secret, request).json()["permit"]["id"]
    for path, wish in (
        (f"/permits/{permit}/heartbeat", {"run": run, "status": "succeeded"}),
        (f"/permits/{permit}/finish", {"run": run, "outcome": "succeeded", "finished_at": "now"}),
        (f"/requests/{request.id}/withdraw", {"run": run, "status": "approved"}),
    ):
        answer = call(who.secret, "post", path, wish)
        assert (answer.status_code, code(answer)) == (422, "invalid")


def test_mass_assignment_in_forms(who):
    """A form takes the fields it shows and leaves the rest of the row alone."""
    page = browser(who.deputy)
    form = {"username": "mallory", "name": "Mal Lory", "email": "m@example.com"}
    extra = {"is_superuser": "on", "is_staff": "on", "actor_ref": str(who.admin.actor_ref)}
    before = User.objects.get(pk=who.mallory.pk)
    assert page.post(f"/people/{who.mallory.pk}/edit", {**form, **extra}).status_code == 302
    after = User.objects.get(pk=who.mallory.pk)
    assert after.name == "Mal Lory"
    assert (after.is_superuser, after.is_staff) == (False, False)
    assert (after.actor_ref, after.password) == (before.actor_ref, before.password)


def test_mass_assignment_in_a_decision(who):
    """The decision is the signed-in person's, in the round that is, whatever the form says."""
    request = ask(who)
    form = {
        "outcome": "approve",
        "snapshot": request.snapshot.digest,
        "person": str(who.alice.pk),
        "round": "7",
        "authn": "mfa",
    }
    answer = browser(who.bob).post(f"/requests/{request.id}/decide", form)
    assert answer.status_code == 303
    decision = request.decisions.get()
    assert (decision.person, decision.round, decision.authn) == (who.bob, 1, "session")
