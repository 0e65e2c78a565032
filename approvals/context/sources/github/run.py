"""Who pushed or started the run that asks, as GitHub knows it."""

from collections.abc import Mapping

from approvals.context.fetch import NotAllowed, NotThere
from approvals.context.forge import Values, said
from approvals.context.parts import STARTED, no_run
from approvals.context.sources.github.api import GitHubRepository, account
from policies.language.facts import Unknown

_GONE = Unknown("it was started by an account that is gone", "absent")


def about_run(repository: GitHubRepository, commit: str, run: Mapping[str, object]) -> Values:
    """`actor` pushed or started it first, `triggering_actor` started this attempt.

    Which run it is, the caller says: one for another commit is not believed.
    """
    number, attempt = str(run.get("id")), run.get("attempt")
    if run.get("system") != "github" or not number.isdecimal():
        return {STARTED: no_run("GitHub")}
    try:
        found = repository.get(f"actions/runs/{number}/attempts/{attempt}")
    except (NotThere, NotAllowed):
        return {STARTED: no_run("GitHub")}
    if said(found, int, "id") != int(number) or said(found, str, "head_sha") != commit:
        return {STARTED: no_run("GitHub")}
    people = {account(found.get(role)) for role in ("actor", "triggering_actor")}
    return {STARTED: _GONE if None in people else sorted(name for name in people if name)}
