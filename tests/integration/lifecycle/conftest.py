"""A source that says what the test wants it to, in place of git."""

from datetime import timedelta

import pytest

from approvals.context.registry import SOURCES
from approvals.context.source import SourceFailed
from approvals.lifecycle.enrich import read_source
from approvals.models import Reading
from policies.models import Policy
from policies.publishing import publish_version, save_version
from portal.access import grant_role
from portal.accounts.authentication import authenticate_token
from portal.directory.groups import add_member, create_group
from portal.directory.models import ApproverGroup, Project
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
    """A company with another policy: its rules, and what follows them.

    `groups`: further groups, each with the name of its one member.
    """
    from approvals.lifecycle.receipt import ensure_signing_key

    def make(
        rules,
        default="{require: {count: 1, from: [team-leads]}}",
        hold="[request.commit]",
        more="",
        groups=None,
    ):
        ensure_signing_key()
        text = (
            'policy: shop\nfacts: v1\nmatch: {projects: ["**"], environments: ["*"],'
            f' actions: ["*"]}}\nrules:\n{rules}default: {default}\ndecide_within: 24h\n'
            f"valid_for: 1h\nhold: {hold}\n{more}"
        )
        if not groups:
            return connect(factories.company(text))
        who = factories.company()
        for name, member in groups.items():  # a policy may name only groups with members
            create_group(by=who.admin, name=name)
            member_of(who, name, member)
        now_in_force(who, factories.STAGING_AUTO, text)
        return connect(who)

    return make


def member_of(who, group, name):
    """One more person who sees the project and is in this approver group."""
    someone = factories.person(who.admin, name)
    grant_role(by=who.admin, to=someone, role="viewer", target=who.project)
    add_member(by=who.admin, group=ApproverGroup.objects.get(name=group), person=someone)
    return someone


def now_in_force(who, old, new):
    """Another version of the company's policy: `new` in place of `old`."""
    policy = Policy.objects.get(name="shop")
    text = policy.in_force.text
    assert old in text
    version = save_version(by=who.admin, policy=policy, text=text.replace(old, new))
    publish_version(by=who.deputy, version=version)
