"""The source that reads one project at GitLab."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from approvals.context.connected import BadSetting, ConnectedSource, Field, HasSettings
from approvals.context.fetch import Fetch, NotAllowed, NotThere
from approvals.context.forge import NO_COMMIT, Values, cut, said
from approvals.context.parts import (
    FACTS,
    FORGE,
    OF_BRANCH,
    OF_CHANGE,
    Part,
    check_wanted,
    not_shown,
    of_group,
    read_parts,
    wanted,
)
from approvals.context.source import Question, SourceFailed
from approvals.context.sources.gitlab.api import GitLabProject
from approvals.context.sources.gitlab.change import about_change
from approvals.context.sources.gitlab.checks import about_checks
from approvals.context.sources.gitlab.commit import (
    about_branch,
    about_commit,
    about_signature,
    find_commit,
    require_project,
)
from approvals.context.sources.gitlab.deployment import about_deployment
from approvals.context.sources.gitlab.review import about_review

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,14}")
_OF_SIGNATURE = frozenset({"git.signature", "git.signed"})
_PROBES = (
    ("git", "commits", "repository/commits"),
    ("ci", "pipelines", "pipelines"),
    ("pr", "merge requests", "merge_requests"),
    ("deployment", "deployments", "deployments"),
)


class GitLabSource(ConnectedSource):
    """Reads commits, checks, merge requests and deployments; never writes."""

    name = "gitlab"
    title = "GitLab"
    help = "The commit, its checks, its merge request and the last deployment, of one project."
    gives = FORGE
    budget = 10.0
    time_to_live = timedelta(seconds=30)
    silence = "the request names no commit by its whole id"
    fields = (
        Field("url", "Address", "url", "Of the GitLab itself.", default="https://gitlab.com"),
        Field(
            "project",
            "Project id",
            help="The number on the project's page. A name can be given to another project, the "
            "number never.",
        ),
        Field(
            "token",
            "Access token",
            "secret",
            "A project access token with the scope read_api and the role Reporter: it reads, and "
            "can change nothing.",
        ),
        Field(
            "environment",
            "Environment at GitLab",
            help="Its name there, when it is another than here.",
            required=False,
            aside=True,
        ),
        Field(
            "ignore",
            "Jobs that do not count",
            "lines",
            "One name on each line, * and ? stand for any characters. Name the job that asks "
            "the portal and those after it: they cannot be over before it is.",
            required=False,
            aside=True,
        ),
        FACTS,
    )

    def clean(self, settings: Mapping[str, Any]) -> None:
        if not _NUMBER.fullmatch(settings["project"]):
            raise BadSetting("project", "Enter the project's number, for example 278964.")
        check_wanted(self.title, settings)

    def names(self, connection: HasSettings) -> frozenset[str]:
        return wanted(connection.settings)

    def check(self, fetch: Fetch) -> str:
        project = GitLabProject(fetch)
        name = cut(said(require_project(project), str, "name_with_namespace"), 200)
        names = self.names(fetch)
        hidden = [
            what
            for group, what, path in _PROBES
            if of_group(group) & names and not _shown(project, path)
        ]
        if hidden:
            raise SourceFailed(f"it finds “{name}”, but {not_shown(self.title, ', '.join(hidden))}")
        return f"It finds the project “{name}” and sees everything that it is to tell."

    def read(self, question: Question, fetch: Fetch) -> Mapping[str, object | None]:
        project, names = GitLabProject(fetch), self.names(fetch)
        found: Any = None
        told: Values = {}
        if _COMMIT.fullmatch(question.commit) and names - of_group("deployment"):
            found = find_commit(project, question.commit)
            told = dict.fromkeys(names, NO_COMMIT) if found is None else about_commit(found)
        parts = _parts(project, question, fetch.settings, exists=found is not None)
        return {**told, **read_parts(self.title, parts, names)}


def _parts(
    project: GitLabProject, question: Question, settings: Mapping[str, Any], *, exists: bool
) -> Iterator[Part]:
    """What can be asked about the request, of a commit that the project has or has not."""
    commit, branch, running = question.commit, question.branch, question.history.running_commit
    place, ignored = settings["environment"] or question.environment, settings["ignore"]

    def deployment() -> Values:
        return about_deployment(project, place, commit, question.now)

    yield Part(of_group("deployment"), "deployments", deployment)
    if _COMMIT.fullmatch(commit):
        yield Part(
            OF_BRANCH,
            "branches",
            lambda: about_branch(project, branch, commit, exists=exists),
        )
    if exists:
        yield Part(_OF_SIGNATURE, "commits", lambda: about_signature(project, commit))
        yield Part(OF_CHANGE, "commits", lambda: about_change(project, commit, running))
        yield Part(of_group("pr"), "merge requests", lambda: about_review(project, commit, branch))
        yield Part(of_group("ci"), "pipelines", lambda: about_checks(project, commit, ignored))


def _shown(project: GitLabProject, path: str) -> bool:
    try:
        project.get(path, [("per_page", "1")])
    except (NotThere, NotAllowed):
        return False
    return True
