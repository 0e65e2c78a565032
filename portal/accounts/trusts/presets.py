"""What the tokens of each system say, and where: claims by their meaning, never by a name.

Names of repositories, users and `sub` itself can be given to somebody else; numbers and UUIDs
never are. Nothing here reads them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Claims = Mapping[str, Any]
Path = tuple[str, ...]

NUMBER = r"[1-9][0-9]{0,18}"
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MOST_TEXT = 500

# Events in which code or words of a stranger run with the rights of the repository.
PULL_REQUESTS = frozenset(
    {
        *("pull_request", "pull_request_target", "pull_request_review"),
        *("pull_request_review_comment", "issue_comment", "issues", "discussion"),
        *("discussion_comment", "workflow_run", "fork", "watch"),
    }
)
MERGE_REQUESTS = frozenset({"merge_request_event", "external_pull_request_event"})
_WORKFLOW = re.compile(r"[^/]+/[^/]+/(\.github/workflows/[^/]+?)@refs/.+")


def text_at(claims: Claims, path: Path) -> str:
    """The claim at the end of `path` as text; empty where there is none, or no plain one."""
    found: Any = claims if path else None
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, bool):
        return "true" if found else "false"
    text = str(found) if isinstance(found, str | int) else ""
    return text if len(text) <= MOST_TEXT else ""


def _told(*path: str) -> Callable[[Claims], str]:
    return lambda claims: text_at(claims, path)


def _nothing(claims: Claims) -> str:
    return ""


@dataclass(frozen=True)
class Preset:
    """One system. A path or name that is empty: it does not tell that.

    `foreign` says why nothing of this run may count, whatever the trust accepts; `once`: every
    token of it has a `jti`.
    """

    name: str
    title: str
    run: Path
    attempt: Path = ()
    source: Path = ()
    source_label: str = ""
    source_form: str = NUMBER
    issuer: str = ""
    keys: str = ""
    tells_ref: bool = False
    ref: Callable[[Claims], str] = _nothing
    protected: Path = ()
    event: Path = ()
    events: tuple[str, ...] = ()
    refused_events: frozenset[str] = frozenset()
    environment: Path = ()
    tells_workflow: bool = False
    workflow: Callable[[Claims], str] = _nothing
    foreign: Callable[[Claims], str] = _nothing
    once: bool = False


def _github_workflow(claims: Claims) -> str:
    found = _WORKFLOW.fullmatch(text_at(claims, ("workflow_ref",)))
    return found[1] if found else ""


def _github_foreign(claims: Claims) -> str:
    event = text_at(claims, ("event_name",))
    if event in PULL_REQUESTS or text_at(claims, ("head_ref",)):
        return "it runs for a pull request, or for what somebody outside did"
    return ""


def _gitlab_ref(claims: Claims) -> str:
    """The full ref: a branch and a tag of one name are two. Newer versions say it themselves."""
    prefix = {"branch": "refs/heads/", "tag": "refs/tags/"}.get(text_at(claims, ("ref_type",)))
    short, full = text_at(claims, ("ref",)), text_at(claims, ("ref_path",))
    built = f"{prefix}{short}" if prefix and short else ""
    return full or built


def _gitlab_workflow(claims: Claims) -> str:
    """The file of the pipeline, where it is of the project itself."""
    where, _, rest = text_at(claims, ("ci_config_ref_uri",)).partition("//")
    own = text_at(claims, ("project_path",))
    return rest.partition("@refs/")[0] if own and where.endswith(f"/{own}") else ""


def _gitlab_foreign(claims: Claims) -> str:
    if text_at(claims, ("pipeline_source",)) in MERGE_REQUESTS:
        return "it runs for a merge request"
    here, there = text_at(claims, ("project_id",)), text_at(claims, ("job_project_id",))
    apart = there not in {"", here}
    return "its code is of another project than its pipeline: a fork" if apart else ""


def _buildkite_ref(claims: Claims) -> str:
    tag, branch = text_at(claims, ("build_tag",)), text_at(claims, ("build_branch",))
    if tag:
        return f"refs/tags/{tag}"
    return f"refs/heads/{branch}" if branch else ""


def _buildkite_foreign(claims: Claims) -> str:
    return "its branch is of a fork" if ":" in text_at(claims, ("build_branch",)) else ""


def _circle(name: str) -> Path:
    return (f"oidc.circleci.com/{name}",)


def _circle_foreign(claims: Claims) -> str:
    if text_at(claims, _circle("ssh-rerun")) != "false":
        return "somebody may have a shell in it (ssh-rerun)"
    pull = text_at(claims, _circle("vcs-ref")).startswith("refs/pull/")
    return "it runs for a pull request" if pull else ""


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="github",
            title="GitHub Actions",
            issuer="https://token.actions.githubusercontent.com",
            keys="/.well-known/jwks",
            source=("repository_id",),
            source_label="Repository id",
            run=("run_id",),
            attempt=("run_attempt",),
            tells_ref=True,
            ref=_told("ref"),
            protected=("ref_protected",),
            event=("event_name",),
            events=("push", "workflow_dispatch"),
            refused_events=PULL_REQUESTS,
            environment=("environment",),
            tells_workflow=True,
            workflow=_github_workflow,
            foreign=_github_foreign,
            once=True,
        ),
        Preset(
            name="gitlab",
            title="GitLab CI/CD",
            issuer="https://gitlab.com",
            keys="/oauth/discovery/keys",
            source=("project_id",),
            source_label="Project id",
            run=("job_id",),
            tells_ref=True,
            ref=_gitlab_ref,
            protected=("ref_protected",),
            event=("pipeline_source",),
            events=("push", "web"),
            refused_events=MERGE_REQUESTS,
            environment=("environment",),
            tells_workflow=True,
            workflow=_gitlab_workflow,
            foreign=_gitlab_foreign,
            once=True,
        ),
        Preset(
            name="buildkite",
            title="Buildkite",
            issuer="https://agent.buildkite.com",
            keys="/.well-known/jwks",
            source=("pipeline_id",),
            source_label="Pipeline id (UUID)",
            source_form=UUID,
            run=("job_id",),
            tells_ref=True,
            ref=_buildkite_ref,
            event=("build_source",),
            foreign=_buildkite_foreign,
        ),
        Preset(
            name="circleci",
            title="CircleCI",
            keys="/.well-known/jwks-pub.json",
            source=_circle("project-id"),
            source_label="Project id (UUID)",
            source_form=UUID,
            run=_circle("job-id"),
            tells_ref=True,
            ref=_told(*_circle("vcs-ref")),
            foreign=_circle_foreign,
        ),
        Preset(
            name="kubernetes",
            title="Kubernetes",
            keys="/openid/v1/jwks",
            source=("kubernetes.io", "serviceaccount", "uid"),
            source_label="UID of the service account",
            source_form=UUID,
            run=("kubernetes.io", "pod", "uid"),
        ),
        Preset(name="any", title="Any OpenID Connect issuer", run=()),
    )
}
