"""Where environment or project is archived, what is open stands still until it is restored."""

import pytest

from approvals.context.collect import ask_all
from approvals.models import Permit
from approvals.permissions import why_not
from portal.directory.environments import archive_environment, restore_environment
from portal.directory.projects import archive_project, restore_project
from portal.kernel.errors import Conflict
from tests.factories import ask, decide, redeem
from tests.integration.pages import as_, text

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["environment", "project"])
def place(request, who):
    """Archives and restores the production environment, or the whole project."""
    if request.param == "project":
        return (
            lambda: archive_project(by=who.admin, project=who.project),
            lambda: restore_project(by=who.admin, project=who.project),
        )
    return (
        lambda: archive_environment(by=who.admin, environment=who.production),
        lambda: restore_environment(by=who.admin, environment=who.production),
    )


def refused(act):
    with pytest.raises(Conflict, match="archived: nothing is decided or begun there"):
        act()


def test_nobody_decides_until_it_is_restored(who, place):
    archive, restore = place
    request = ask(who)
    archive()
    refused(lambda: decide(request, who.alice))
    refused(lambda: decide(request, who.alice, "reject", "No"))
    assert "is archived" in text(as_(who.alice).get(f"/requests/{request.id}"))
    assert why_not(who.carol, "withdraw", request) is None, "taking back is always possible"
    restore()
    assert decide(request, who.alice).status == "approved"


def test_no_approval_is_redeemed_until_it_is_restored(who, place):
    archive, restore = place
    request = decide(ask(who), who.alice)
    archive()
    refused(lambda: redeem(who, request))
    request.refresh_from_db()
    assert (request.status, Permit.objects.count()) == ("approved", 0)
    restore()
    assert redeem(who, request).status == "issued"


def test_archiving_while_the_facts_are_read_again_gives_no_permit(who, place, monkeypatch):
    archive, _ = place
    request = decide(ask(who), who.alice)

    def read_slowly(*question):
        archive()
        return ask_all(*question)

    monkeypatch.setattr("approvals.lifecycle.redeem.ask_all", read_slowly)
    refused(lambda: redeem(who, request))
    assert not Permit.objects.exists()
