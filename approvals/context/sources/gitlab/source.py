"""The source that reads one project at GitLab."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from approvals.context.connected import BadSetting, Field
from approvals.context.fetch import Fetch
from approvals.context.forge import Values, cut, said
from approvals.context.parts import (
    FACTS,
    OF_CHANGE,
    STARTED,
    ForgeSource,
    Part,
    not_shown,
    of_group,
)
from approvals.context.source import Question, SourceFailed
from approvals.context.sources.gitlab.accounts import find_account, published_keys
from approvals.context.sources.gitlab.api import GitLabProject
from approvals.context.sources.gitlab.change import about_change
from approvals.context.sources.gitlab.checks import about_checks
from approvals.context.sources.gitlab.commit import (
    about_commit,
    about_signature,
    find_commit,
    require_project,
)
from approvals.context.sources.gitlab.deployment import about_deployment
from approvals.context.sources.gitlab.review import about_review
from approvals.context.sources.gitlab.run import about_run

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,14}")
_OF_SIGNATURE = frozenset({"git.signature", "git.signed"})
_PROBES = (
    ("git", "commits", "repository/commits"),
    ("ci", "pipelines", "pipelines"),
    ("pr", "merge requests", "merge_requests"),
    ("deployment", "deployments", "deployments"),
)


class GitLabSource(ForgeSource[GitLabProject]):
    """Reads commits, checks, merge requests and deployments; never writes."""

    name = "gitlab"
    title = "GitLab"
    help = "The commit, its checks, its merge request and the last deployment, of one project."
    whole_id = _COMMIT
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
        super().clean(settings)

    def check(self, fetch: Fetch) -> str:
        project = self.repository(fetch)
        name = cut(said(require_project(project), str, "name_with_namespace"), 200)
        names = self.names(fetch)
        hidden = [
            what
            for group, what, path in _PROBES
            if of_group(group) & names and not project.shows(path)
        ]
        if hidden:
            raise SourceFailed(f"it finds “{name}”, but {not_shown(self.title, ', '.join(hidden))}")
        return f"It finds the project “{name}” and sees everything that it is to tell."

    def repository(self, fetch: Fetch) -> GitLabProject:
        return GitLabProject(fetch)

    def account(self, repository: GitLabProject, login: str) -> tuple[int, str] | None:
        return find_account(repository, login)

    def keys(self, repository: GitLabProject, number: int, login: str) -> list[str]:
        return published_keys(repository, number, login)

    def about(self, repository: GitLabProject, commit: str) -> Values | None:
        found = find_commit(repository, commit)
        return None if found is None else about_commit(found)

    def deployment(self, repository: GitLabProject, place: str, question: Question) -> Values:
        return about_deployment(repository, place, question.commit, question.now)

    def of_commit(
        self, repository: GitLabProject, question: Question, ignored: str
    ) -> Iterator[Part]:
        commit, branch = question.commit, question.branch
        running = question.history.running_commit
        yield Part(_OF_SIGNATURE, "commits", lambda: about_signature(repository, commit))
        yield Part(OF_CHANGE, "commits", lambda: about_change(repository, commit, running))
        yield Part(
            of_group("pr"), "merge requests", lambda: about_review(repository, commit, branch)
        )
        checks = of_group("ci") - {STARTED}
        yield Part(checks, "pipelines", lambda: about_checks(repository, commit, ignored))
        started = frozenset({STARTED})
        yield Part(started, "runs", lambda: about_run(repository, commit, question.run))
