"""A source that says what the test wants it to, in place of git."""

from datetime import timedelta

import pytest

from approvals.context.registry import SOURCES
from approvals.context.source import SourceFailed
from approvals.lifecycle.enrich import read_source
from approvals.models import Reading
from portal.accounts.authentication import authenticate_token
from portal.directory.models import Project
from portal.kernel.clock import now
from tests import factories

HEAD = "a" * 40
WRITERS = {
    "git.author": "dev@example.com",
    "git.committer": "dev@example.com",
    "git.authors": ["dev@example.com"],
}


class Played:
    """Stands for git: `says` are its facts, or an exception; `asked` counts the readings."""

    def __init__(self):
        self.says = {"git.exists": True, "git.head": HEAD, **WRITERS}
        self.asked = 0
        self.meanwhile = None

    def read(self, question):
        self.asked += 1
        if self.meanwhile:
            self.meanwhile()
        if isinstance(self.says, BaseException):
            raise self.says
        return dict(self.says)

    def fail(self, why="the repository could not be read: nothing answers at its address"):
        self.says = SourceFailed(why)

    def come(self, request):
        """Let a worker read for `request` now, whatever the pauses say; the row afterwards."""
        make_due(request)
        read_source(request.id, "git")
        request.refresh_from_db()
        return request


def make_due(request):
    Reading.objects.filter(request=request).update(next_try=now() - timedelta(seconds=1))


@pytest.fixture
def git(monkeypatch):
    """Git, played."""
    played = Played()
    monkeypatch.setattr(SOURCES["git"], "read", played.read)
    return played


@pytest.fixture
def connect(git):
    """Give a company's project a repository, and its token the project as it is now."""

    def act(who):
        Project.objects.filter(pk=who.project.pk).update(repository="/played")
        who.token = authenticate_token(who.secret)
        return who

    return act


@pytest.fixture
def shop(who, connect):
    """The company of factories, whose project has a repository."""
    return connect(who)


@pytest.fixture
def company_with(db, connect):
    """A company with another policy: its rules, and what follows them."""
    from approvals.lifecycle.receipt import ensure_signing_key

    def make(rules, default="{require: {count: 1, from: [team-leads]}}", hold="[request.commit]"):
        ensure_signing_key()
        text = (
            'policy: shop\nfacts: v1\nmatch: {projects: ["**"], environments: ["*"],'
            f' actions: ["*"]}}\nrules:\n{rules}default: {default}\ndecide_within: 24h\n'
            f"valid_for: 1h\nhold: {hold}\n"
        )
        return connect(factories.company(text))

    return make
