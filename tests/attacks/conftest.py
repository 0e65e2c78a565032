"""A source that says what a test wants, in place of a real repository."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from approvals.lifecycle.enrich import read_source
from approvals.models import Reading
from policies.models import Policy
from policies.publishing import publish_version, save_version
from portal.accounts.authentication import authenticate_token
from portal.directory.models import Project
from portal.kernel.clock import now

STRANGER = "stranger@elsewhere.example"
WRITTEN_BY_A_STRANGER = {
    "git.exists": True,
    "git.author": STRANGER,
    "git.committer": STRANGER,
    "git.authors": (STRANGER,),
}


@dataclass
class Forge:
    """What the project's repository says; change `facts` and it says something else.

    Unless a test says so, a stranger wrote the commit.
    """

    facts: dict[str, Any] = field(default_factory=lambda: dict(WRITTEN_BY_A_STRANGER))

    def read(self, request: Any) -> Any:
        """Let a worker read it for `request`, now."""
        Reading.objects.filter(request=request).update(next_try=now())
        assert read_source(request.id, "git")
        request.refresh_from_db()
        return request


@pytest.fixture
def forge(who, monkeypatch):
    Project.objects.filter(pk=who.project.pk).update(repository="/played")
    who.token = authenticate_token(who.secret)
    found = Forge()
    monkeypatch.setattr(
        "approvals.context.sources.git.GitSource.read", lambda self, question: dict(found.facts)
    )
    return found


@pytest.fixture
def policy(who):
    """Brings another text of the policy into force, written and published by two people."""

    def put(text: str) -> None:
        version = save_version(by=who.admin, policy=Policy.objects.get(), text=text)
        publish_version(by=who.deputy, version=version)

    return put
