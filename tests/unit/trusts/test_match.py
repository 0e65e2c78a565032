"""Which claims a trust accepts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.accounts.trusts.match import Rule, checks, ref_fits, refused_by, run_of
from portal.accounts.trusts.presets import PRESETS
from tests import workloads

FORGES = ("github", "gitlab", "buildkite", "circleci")
RULES = {
    "github": {
        "source": workloads.REPOSITORY,
        "events": ("push",),
        "workflow": ".github/workflows/deploy.yml",
    },
    "gitlab": {
        "source": workloads.REPOSITORY,
        "events": ("push", "web"),
        "workflow": ".gitlab-ci.yml",
    },
    "buildkite": {"source": workloads.PIPELINE},
    "circleci": {"source": workloads.CIRCLE},
    "kubernetes": {"source": workloads.WORKLOAD},
}
# What a trust of the preset above reads.
READ = {
    "github": ("repository_id", "ref", "ref_protected", "event_name", "workflow_ref", "run_id"),
    "gitlab": ("project_id", "ref_protected", "pipeline_source", "ci_config_ref_uri", "job_id"),
    "buildkite": ("pipeline_id", "build_branch", "job_id"),
    "circleci": tuple(
        f"oidc.circleci.com/{name}" for name in ("project-id", "vcs-ref", "ssh-rerun", "job-id")
    ),
    "kubernetes": ("kubernetes.io",),
}


def rule(name, **changed):
    preset = PRESETS[name]
    wanted = {"refs": ("refs/heads/main",) if preset.tells_ref else (), **RULES[name], **changed}
    return Rule(preset, run=preset.run, attempt=preset.attempt, **wanted)


def refusal(name, said, **changed):
    found = refused_by(checks(rule(name, **changed), said))
    return found.what if found else None


@pytest.mark.parametrize("name", RULES)
def test_the_claims_of_each_system_are_accepted(name):
    assert refusal(name, workloads.CLAIMS[name]()) is None


@pytest.mark.parametrize("name", RULES)
@given(data=st.data())
def test_no_claim_that_is_read_may_be_missing_or_another(name, data):
    claims = workloads.CLAIMS[name]()
    read = data.draw(st.sampled_from(READ[name]))
    other = data.draw(
        st.one_of(st.just(None), st.text(max_size=30), st.integers(), st.lists(st.text()))
    )
    if other == claims[read] or read in {"run_id", "job_id", "oidc.circleci.com/job-id"}:
        other = None
    if other is None:
        del claims[read]
    else:
        claims[read] = other
    assert refusal(name, claims) is not None


@pytest.mark.parametrize("name", FORGES)
@given(text=st.text(max_size=60))
def test_names_and_sub_are_never_read(name, text):
    names = ("sub", "repository", "repository_owner", "namespace_path", "pipeline_slug", "actor")
    claims = workloads.CLAIMS[name]()
    claims |= {one: text for one in names if one in claims}
    assert refusal(name, claims) is None


@given(
    rule_parts=st.fixed_dictionaries(
        {
            "refs": st.lists(st.sampled_from(["refs/heads/main", "refs/tags/v*", "*"]), max_size=2),
            "events": st.lists(st.sampled_from(["push", "pull_request", "release"]), max_size=2),
            "environment": st.sampled_from(["", "production"]),
        }
    ),
    event=st.sampled_from(["push", "pull_request", "pull_request_target", "release", ""]),
    ref=st.sampled_from(["refs/heads/main", "refs/tags/v1", "refs/pull/7/merge", ""]),
)
def test_no_rule_accepts_a_pull_request_or_an_unprotected_ref(rule_parts, event, ref):
    parts = {key: tuple(v) if isinstance(v, list) else v for key, v in rule_parts.items()}
    claims = workloads.github(event_name=event, ref=ref, environment="production")
    accepted = refusal("github", claims, **parts) is None
    known = ref != "" and any(ref_fits(one, ref) for one in parts["refs"])
    assert accepted is (event in parts["events"] and not event.startswith("pull") and known)
    assert refusal("github", {**claims, "ref_protected": "false"}, **parts) is not None


@pytest.mark.parametrize(
    ("pattern", "ref", "fits"),
    [
        ("refs/heads/main", "refs/heads/main", True),
        ("refs/heads/main", "refs/heads/main2", False),
        ("refs/heads/main", "refs/tags/main", False),
        ("refs/heads/release/*", "refs/heads/release/4.18", True),
        ("refs/heads/release/*", "refs/heads/release/a/b", False),
        ("refs/tags/v*-final", "refs/tags/v1-final", True),
        ("refs/tags/v*v", "refs/tags/v", False),
        ("refs/heads/release/*", "refs/heads/release/", True),
    ],
)
def test_a_star_is_anything_within_one_part(pattern, ref, fits):
    assert ref_fits(pattern, ref) is fits


def test_a_branch_and_a_tag_of_one_name_are_two():
    tag = workloads.gitlab(ref_type="tag", ref_path="refs/tags/main")
    assert refusal("gitlab", tag) == "ref"
    assert refusal("gitlab", workloads.gitlab(ref_path="refs/merge-requests/1/head")) == "ref"
    older = workloads.gitlab()
    del older["ref_path"], older["job_project_id"]
    assert refusal("gitlab", older) is None


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("github", {"event_name": "pull_request_target"}),
        ("github", {"head_ref": "patch-1"}),
        ("gitlab", {"pipeline_source": "merge_request_event"}),
        ("gitlab", {"job_project_id": "999"}),
        ("buildkite", {"build_branch": "stranger:main"}),
        ("circleci", {"oidc.circleci.com/ssh-rerun": True}),
        ("circleci", {"oidc.circleci.com/vcs-ref": "refs/pull/7/head"}),
    ],
)
def test_what_is_foreign_is_told_first_whatever_the_rule_says(name, changed):
    events = ("pull_request_target", "merge_request_event", "push")
    claims = workloads.CLAIMS[name](**changed)
    found = refused_by(checks(rule(name, events=events, refs=("*", "refs/*/*")), claims))
    assert found.what == "origin"
    assert found.found


def test_the_file_of_the_pipeline_is_one_of_the_project_itself():
    elsewhere = "gitlab.com/octo/other//.gitlab-ci.yml@refs/heads/main"
    assert refusal("gitlab", workloads.gitlab(ci_config_ref_uri=elsewhere)) == "workflow path"
    other = "octo-org/shop/.github/workflows/test.yml@refs/heads/main"
    assert refusal("github", workloads.github(workflow_ref=other)) == "workflow path"


def test_further_claims_have_to_be_equal_as_text():
    held = {"runner_environment": "github-hosted", "repository_owner_id": "65"}
    assert refusal("github", workloads.github(), claims=held) is None
    other = workloads.github(runner_environment="self-hosted")
    assert refusal("github", other, claims=held) == "runner_environment"
    nested = workloads.github(repository_owner_id=["65"])
    assert refusal("github", nested, claims=held) == "repository_owner_id"


@pytest.mark.parametrize(
    ("run", "attempt", "known"),
    [("8812", "2", True), (8812, 2, True), ("8812", "0", False), ("8812", "1000000", False),
     ("", "1", False), ("8\n812", "1", False), ("x" * 201, "1", False), ("8812", True, False)],
)  # fmt: skip
def test_a_run_has_an_id_and_an_attempt_that_can_be_kept(run, attempt, known):
    claims = workloads.github(run_id=run, run_attempt=attempt)
    found = run_of(rule("github"), claims)
    assert (found is not None) is known
    if known:
        assert (found.id, found.attempt) == ("8812", 2)


def test_any_issuer_is_known_by_claims_that_the_trust_names():
    own = Rule(PRESETS["any"], claims={"workspace_id": "ws-1"}, run=("run",))
    assert refused_by(checks(own, {"workspace_id": "ws-1", "run": "r-1"})) is None
    assert refused_by(checks(own, {"workspace_id": "ws-2", "run": "r-1"})).what == "workspace_id"
    assert refused_by(checks(own, {"workspace_id": "ws-1"})).what == "run"
