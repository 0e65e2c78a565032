"""Letter C of the attacks, as far as today's surfaces go: words that loosen, policy from elsewhere,
limits of another rule, nobody to ask, checks that check nothing, fields that are nobody's to set.
"""

import ast
import inspect
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Model, QuerySet
from guardian.backends import ObjectPermissionBackend

from approvals.models import Request
from policies.models import Policy
from policies.publishing import InvalidPolicy
from portal.accounts.models import User
from portal.directory.groups import add_member, create_group
from tests.api import body, call, code, post, redeem
from tests.attacks.surfaces import approved_by, browser
from tests.factories import STAGING_AUTO, ask

LOOSER = {
    "labels": ["hotfix", "approved", "self_approval"],
    "claims": {"tests.passed": True, "terraform.destroys": 0, "deploy.canary_error_rate": 0.0},
    "reason": "Approved by everybody; count: 0",
    "run": {"id": "loose", "attempt": 1, "actor": "admin"},
}


@pytest.mark.parametrize("field", LOOSER)
def test_text_lowers_quorum(who, policy, field):
    """C1: whatever the pipeline says, it is asked for no less than one that says nothing."""
    policy(STAGING_AUTO.replace("rules:\n", f"rules:\n{RAISES}"))
    plain, said = ask(who).verdict.body, ask(who, **{field: LOOSER[field]}).verdict.body
    assert said["outcome"] == plain["outcome"] == "review"
    assert all(asked in said["obligations"] for asked in plain["obligations"])


RAISES = """\
  - {id: hotfix, when: "'hotfix' in request.labels", require: {count: 2, from: [team-leads]}}
  - {id: canary, when: deploy.canary_error_rate > 0.01, limit: {valid_for: 5m}}
"""


@pytest.mark.parametrize(
    "rule",
    [
        "{id: a, when: \"'hotfix' in request.labels\", approve: auto}",
        "{id: a, when: \"!('hotfix' in request.labels)\", deny: No.}",
        '{id: a, when: "!tests.passed", require: {count: 2, from: [team-leads]}}',
        "{id: a, when: terraform.plan_digest != 'x', limit: {valid_for: 5m}}",
    ],
)
def test_text_lowers_quorum_is_refused_when_it_is_written(policy, rule):
    with pytest.raises(InvalidPolicy) as refusal:
        policy(STAGING_AUTO.replace("rules:\n", f"rules:\n  - {rule}\n"))
    assert "claimed fact" in refusal.value.problems[0].message
    assert Policy.objects.get().versions.count() == 1


LIMITS = """\
  - {id: other, when: request.tier == 'staging', limit: {valid_for: 7d, decide_within: 30d}}
  - {id: longer, when: request.tier == 'production', limit: {valid_for: 6h}}
  - {id: mine, when: request.tier == 'production', limit: {valid_for: 5m, decide_within: 10m}}
"""


def test_limits_from_another_rule(who, policy):
    """C3: the times come from the rules that apply, and the shortest counts."""
    policy(STAGING_AUTO.replace("rules:\n", f"rules:\n{LIMITS}"))
    production, staging = ask(who), ask(who, "staging")
    assert production.decide_by - production.created_at < timedelta(minutes=11)
    approved = approved_by(who.alice, production)
    assert approved.use_by - approved.approved_at == timedelta(minutes=5)
    assert staging.use_by - staging.approved_at == timedelta(hours=1), "a limit never lengthens"


EMPTY = "require: {count: 2, from: [team-leads, dba], including: {dba: 1}}"


def test_empty_approver_set(who, policy):
    """C4: a share that nobody can fill is refused with its cause; a group emptied later denies."""
    group = create_group(by=who.admin, name="dba")
    add_member(by=who.admin, group=group, person=who.carol)  # who owns the account that asks
    policy(STAGING_AUTO.replace("require: {count: 1, from: [team-leads]}\ndefault",
                                f"{EMPTY}\ndefault"))  # fmt: skip
    answer = post(who.secret, body())
    assert (answer.status_code, code(answer)) == (422, "no-eligible-approver")
    assert "Rule production-lead asks for 2 from dba or team-leads" in answer.json()["detail"]
    assert not Request.objects.exists()
    add_member(by=who.admin, group=group, person=who.deputy)
    assert post(who.secret, body()).json()["status"] == "pending"


@pytest.mark.parametrize("list_", ["labels", "destroyed"])
@pytest.mark.parametrize("value", ["", " ", "\u200b"])
def test_empty_value_allowed(who, policy, list_, value):
    """C6: an empty word is in no list, and an empty list fits no rule that approves."""
    allow = "{id: a, when: \"request.commit in [''] && git.signed\", approve: auto}"
    policy(STAGING_AUTO.replace("rules:\n", f"rules:\n  - {allow}\n{RAISES}"))
    wish = (
        {"labels": [value]} if list_ == "labels" else {"claims": {"terraform.destroyed": [value]}}
    )
    answer = post(who.secret, body(subject={}, **wish))
    if answer.status_code == 201:
        verdict = Request.objects.get().verdict.body
        assert verdict["outcome"] == "review"
        assert {one["rule"] for one in verdict["obligations"]} == {"production-lead"}
    else:
        assert answer.status_code == 422


@pytest.mark.parametrize("rate", [None, 0.0, 0.5])
def test_model_or_score_poisoned(who, policy, rate):
    """C10: a score that the caller brings may raise the risk; without it the risk is the higher."""
    risk = "risk: {high: deploy.canary_error_rate > 0.01, medium: request.tier == 'production'}\n"
    policy(STAGING_AUTO + risk)
    claims = {} if rate is None else {"deploy.canary_error_rate": rate}
    answer = post(who.secret, body(claims=claims)).json()
    assert answer["verdict"]["risk"] == ("medium" if rate == 0.0 else "high")
    assert answer["status"] == "pending"
    with pytest.raises(InvalidPolicy):
        policy(
            STAGING_AUTO
            + risk.replace("deploy", "'x' in request.labels && !tests.passed || deploy")
        )


CODE = [
    path
    for folder in ("portal", "approvals", "policies")
    for path in (Path(__file__).parents[2] / folder).rglob("*.py")
]
# Asynchronous doubles: without `await` they are true and do nothing.
ASYNC_DOUBLES = {
    name
    for owner in (QuerySet, Model, AnonymousUser, User, SessionBase, auth, ObjectPermissionBackend)
    for name, member in inspect.getmembers(owner)
    if inspect.iscoroutinefunction(member) or inspect.isasyncgenfunction(member)
}


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


def always_true(code):
    """Lines with a test of a tuple or a call of a double that nobody awaits."""
    tree = ast.parse(code)
    awaited = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Await)}
    awaited |= {id(node.iter) for node in ast.walk(tree) if isinstance(node, ast.AsyncFor)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(getattr(node, "test", None), ast.Tuple)
        or (isinstance(node, ast.Call) and _name(node) in ASYNC_DOUBLES and id(node) not in awaited)
    ]


def _name(call):
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def test_truthy_permission_check():
    """No test of a tuple, no forgotten `await`: both are always true."""
    found = {path.name: lines for path in CODE if (lines := always_true(path.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("if user.ahas_perm('decide', request): go()", True),
        ("allowed = person.ahas_perms(wanted)", True),
        ("if (can_administer(),): go()", True),
        ("row = Request.objects.filter(pk=1).afirst()", True),
        ("async def f():\n    if await user.ahas_perm('decide'): go()", False),
        ("async def f():\n    async for row in rows.aiterator(): go()", False),
        ("if user.has_perm('decide', request): go()", False),
    ],
)
def test_truthy_permission_check_sees_one(code, seen):
    assert bool(always_true(code)) is seen


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
