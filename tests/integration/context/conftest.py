import pytest

from approvals.context.collect import Asked, ask
from approvals.context.sources.git import GitSource
from policies.language.facts import Known
from tests.integration.context.repositories import Repo, question


def whole(source):
    """A source that is asked for everything it gives."""
    return Asked(source, frozenset(fact.name for fact in source.fact_types()))


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    """Mirrors of this test only."""
    settings.HOME = tmp_path / "home"
    return settings.HOME


@pytest.fixture
def repo(tmp_path):
    return Repo(tmp_path / "served")


@pytest.fixture
def facts_of(repo):
    """The facts of a commit by name: a value, or the Unknown. Fails when the source failed."""

    def read(commit, address=None, **more):
        answer = ask(whole(GitSource()), question(address or repo.folder, commit, **more))
        assert answer.error == ""
        return {
            name.removeprefix("git."): state.value if isinstance(state, Known) else state
            for name, state in answer.states.items()
        }

    return read
