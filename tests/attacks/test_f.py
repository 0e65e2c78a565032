"""Letter F of the attacks, as far as today's surfaces go: sources that are away."""

import pytest

from approvals.context.source import SourceFailed
from approvals.context.sources.git import GitSource
from tests.api import redeem
from tests.attacks.surfaces import approved_by
from tests.factories import STAGING_AUTO, ask

pytestmark = pytest.mark.django_db

GIVEN_UP_AFTER = 4  # attempts
ON_BRANCH = STAGING_AUTO.replace(
    "when: request.tier == 'staging'", "when: request.tier == 'staging' && git.on_branch"
)


def down(self, question):
    raise SourceFailed("nothing answers at its address")


def silent(self, question):
    return {}


def away(self, question):
    raise RuntimeError("the source has a mistake of its own")


@pytest.mark.parametrize("fails", [down, silent, away])
def test_context_source_down(who, forge, policy, monkeypatch, fails):
    """What policy would let through on a fact waits for people while the fact is not to be had."""
    policy(ON_BRANCH)
    forge.facts["git.on_branch"] = True
    assert forge.read(ask(who, environment="staging")).status == "approved"
    with monkeypatch.context() as patch:
        patch.setattr(GitSource, "read", fails)
        request = ask(who, environment="staging")
        for _ in range(GIVEN_UP_AFTER):
            assert forge.read(request).status in {"submitted", "pending"}
        assert request.status == "pending"
    assert forge.read(request).status == "approved", "with the fact it passes by itself"


def test_context_source_down_between_approval_and_use(who, forge, policy, monkeypatch):
    """Unknown is never equal: without the held fact there is no permit, and the approval stays."""
    policy(STAGING_AUTO.replace("hold: [request.commit]", "hold: [git.on_branch]"))
    forge.facts["git.on_branch"] = True
    request = approved_by(who.alice, forge.read(ask(who)))
    with monkeypatch.context() as patch:
        patch.setattr(GitSource, "read", down)
        assert redeem(who.secret, request).status_code == 503
        request.refresh_from_db()
        assert request.status == "approved"
    assert redeem(who.secret, request).status_code == 200
