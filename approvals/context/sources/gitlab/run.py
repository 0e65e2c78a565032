"""Who pushed or started the job that asks, as GitLab knows it."""

from collections.abc import Mapping

from approvals.context.fetch import NotAllowed, NotThere
from approvals.context.forge import Values, said
from approvals.context.parts import STARTED, no_run
from approvals.context.sources.gitlab.api import GitLabProject, account


def about_run(project: GitLabProject, commit: str, run: Mapping[str, object]) -> Values:
    """Who started the job, and who pushed or started its pipeline.

    Which job it is, the caller says: one for another commit is not believed.
    """
    number = str(run.get("id"))
    if run.get("system") != "gitlab" or not number.isdecimal():
        return {STARTED: no_run("GitLab")}
    try:
        job = project.get(f"jobs/{number}")
        pipeline = project.get(f"pipelines/{said(job, int, 'pipeline', 'id')}")
    except (NotThere, NotAllowed):
        return {STARTED: no_run("GitLab")}
    if said(job, int, "id") != int(number) or said(pipeline, str, "sha") != commit:
        return {STARTED: no_run("GitLab")}
    people = {said(found, int, "user", "id") for found in (job, pipeline)}
    return {STARTED: [account(person) for person in sorted(people)]}
