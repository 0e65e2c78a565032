"""Ways to stop being the author, the owner, or the code that was reviewed."""

import pytest
from django.db import ProgrammingError, transaction

from approvals.context.history import history_of
from approvals.lifecycle.enrich import read_source
from approvals.lifecycle.finish import finish_permit
from approvals.permissions import why_not
from approvals.states import PermitStatus
from portal.access import grant_role
from portal.accounts.authentication import authenticate_token
from portal.accounts.people import change_person
from portal.accounts.service_accounts import change_service_account
from portal.directory.projects import change_project
from portal.kernel.clock import now
from portal.kernel.errors import Forbidden
from tests.factories import ask, decide, redeem
from tests.integration.context.repositories import Repo

pytestmark = pytest.mark.django_db


@pytest.fixture
def maintainer(who):
    grant_role(by=who.admin, to=who.carol, role="maintainer", target=who.project)
    return who.carol


@pytest.mark.parametrize("field", ["username", "email"])
def test_self_approve_under_a_new_name_or_address(who, field):
    """What says which changes are somebody's is changed by somebody else only."""
    with pytest.raises(Forbidden) as refusal:
        change_person(by=who.deputy, person=who.deputy, **{field: "somebody@else.example"})
    assert refusal.value.code == "own-account"
    assert change_person(by=who.deputy, person=who.deputy, name="Dee D.").name == "Dee D."
    changed = change_person(by=who.admin, person=who.deputy, **{field: "somebody@else.example"})
    assert getattr(changed, field) == "somebody@else.example"


@pytest.mark.parametrize(
    ("field", "value"),
    [("repository", "https://git.example/fork"), ("branch", "feature-x"), ("forge_id", 7)],
)
def test_source_changed_by_a_maintainer_alone(who, maintainer, field, value):
    """Whoever points the portal at another repository forges every git fact."""
    with pytest.raises(Forbidden) as refusal:
        change_project(by=maintainer, project=who.project, **{field: value})
    assert refusal.value.code == "missing-permission"
    assert change_project(by=maintainer, project=who.project, name="The shop").name == "The shop"
    assert getattr(change_project(by=who.admin, project=who.project, **{field: value}), field) == (
        value
    )


def test_author_hidden_by_a_source_that_failed(who):
    """Nobody decides while the writers are not known; without a repository there are none."""
    request = ask(who)
    assert why_not(who.alice, "decide", request) is None
    change_project(by=who.admin, project=who.project, repository="https://git.example/shop")
    request = type(request).objects.get(pk=request.pk)
    refusal = why_not(who.alice, "decide", request)
    assert (refusal.code, refusal.status) == ("authors-unknown", 409)
    assert "the pipeline has to ask again" in refusal.sentence, "nobody reads it by itself"
    assert not request.readings.exists()
    who.token = authenticate_token(who.secret)
    assert ask(who).readings.exists(), "a new one is read"


@pytest.mark.parametrize("name", ["git.author", "git.committer", "git.authors"])
def test_author_without_an_address(who, forge, name):
    """Whom nothing names cannot be barred, so nobody decides."""
    assert why_not(who.alice, "decide", forge.read(ask(who))) is None
    forge.facts[name] = ("", "stranger@example.com") if name == "git.authors" else ""
    refusal = why_not(who.alice, "decide", forge.read(ask(who)))
    assert (refusal.code, refusal.status) == ("authors-unknown", 409)


def test_committer_of_an_earlier_commit(who, tmp_path):
    """Somebody else's commit on top does not free who committed the one below."""
    repo = Repo(tmp_path / "shop")
    repo.commit({"a": b"1\n"}, GIT_COMMITTER_EMAIL="alice@example.com")
    tip = repo.commit({"a": b"2\n"})
    change_project(by=who.admin, project=who.project, repository=str(repo.folder))
    who.token = authenticate_token(who.secret)
    request = ask(who, subject={"commit": tip})
    assert read_source(request.id, "git")
    request.refresh_from_db()
    assert why_not(who.alice, "decide", request).code == "own-change"
    assert decide(request, who.bob).status == "approved"


def test_base_of_the_diff_is_not_moved_by_another_action(who):
    """A harmless action on the new commit would make the deployment look empty."""
    request = ask(who, "staging", action="smoke-test")
    assert request.status == "approved"
    permit = redeem(who, request)
    finish_permit(
        token=who.token, permit_id=permit.id, run_id=request.run["id"], run_attempt=1,
        outcome=PermitStatus.SUCCEEDED, exit_code=0,
    )  # fmt: skip
    tested, *_ = history_of(who.project.pk, who.staging.pk, "smoke-test", now())
    deployed, *_ = history_of(who.project.pk, who.staging.pk, "deploy", now())
    assert tested.running_commit == request.subject["commit"]
    assert (deployed.running_commit, deployed.last_outcome) == ("", "none")
    assert decide(ask(who), who.alice).status == "approved"


def _hand_on(who, to):
    account = who.account
    change_service_account(by=who.admin, account=account, name=account.name, owner=to)
    who.token.account.refresh_from_db()


def test_self_approve_after_handing_the_account_on(who):
    """The owner when it asked is barred as long as the request lives, and so is the new one."""
    _hand_on(who, who.alice)
    request = ask(who)
    _hand_on(who, who.bob)
    request = type(request).objects.get(pk=request.pk)
    for person in (who.alice, who.bob):
        assert why_not(person, "decide", request).code == "own-change"
    with pytest.raises(ProgrammingError), transaction.atomic():
        type(request).objects.filter(pk=request.pk).update(owner=who.carol)
