"""Plans that are read from HCP Terraform, and every way in which that fails."""

import json

import pytest

from approvals.connections.check import check_connection
from approvals.context.collect import remote_source
from approvals.context.plans import parse_exactly, plan_digest
from approvals.models import KeptAnswer
from policies.language.facts import Unknown
from tests.plans import SECRET, a_change, a_plan
from tests.remote import Says

pytestmark = pytest.mark.django_db

RUN = "run-CZcmD7eagjhyX0vN"
LABELS = [f"terraform-run:{RUN}"]
PATH = f"/api/v2/runs/{RUN}/plan/json-output"
PLAN = a_plan(
    a_change("aws_instance.web", "create"), a_change("aws_db_instance.main", "delete", "create")
)
DIGEST = plan_digest(parse_exactly(json.dumps(PLAN).encode()))


@pytest.fixture
def hcp(connect, remote):
    """The connection; the store stands at another path of the same host, as in Enterprise."""
    remote.paths[PATH] = Says(status=307, headers={"Location": f"{remote.url}/v1/object/x?y=z"})
    remote.paths["/v1/object/x"] = Says(PLAN)
    return connect("hcp_terraform", remote.url, {"token": "t0ken"}, store=remote.url)


def test_the_plan_of_the_run_becomes_facts(hcp, read, remote):
    facts, error = read(hcp, labels=LABELS)
    assert error == ""
    counts = [facts[f"terraform.{name}"] for name in ("adds", "changes", "destroys", "replaces")]
    assert counts == [2, 0, 1, 1]
    assert facts["terraform.destroyed"] == ("aws_db_instance.main",)
    assert facts["terraform.plan_digest"] == DIGEST


def test_the_token_goes_to_hcp_terraform_and_not_to_the_store(hcp, read, remote):
    read(hcp, labels=LABELS)
    (_, _, asked, _), (_, stored_at, stored, _) = remote.asked
    assert asked["authorization"] == "Bearer t0ken"
    assert stored_at == "/v1/object/x?y=z"
    assert "authorization" not in stored


def test_nothing_of_the_plan_is_kept(hcp, read):
    facts, _ = read(hcp, labels=LABELS)
    assert SECRET not in repr(facts)
    assert not KeptAnswer.objects.exists()


def test_the_plan_that_the_subject_names_is_the_plan_of_the_run(hcp, read):
    assert read(hcp, labels=LABELS, subject={"plan": DIGEST})[1] == ""
    error = read(hcp, labels=LABELS, subject={"plan": "sha256:" + "0" * 64})[1]
    assert error == "the plan of the run is not the one that the subject names"


def test_a_request_that_names_no_run_keeps_what_the_pipeline_says(hcp, question):
    key = f"hcp_terraform:{hcp.pk}"
    assert remote_source(question(labels=["nightly"]), key) is None
    assert remote_source(question(labels=LABELS), key) is not None


@pytest.mark.parametrize("named", ["", "run-", "run-../../x", "plan-CZcm", "run-a b", f"{RUN}?x=1"])
def test_what_is_no_id_of_a_run_is_never_part_of_an_address(hcp, read, remote, named):
    facts, error = read(hcp, labels=[f"terraform-run:{named}x?"])
    assert "is no id of a run" in error
    assert isinstance(facts["terraform.adds"], Unknown)
    assert remote.asked == []


@pytest.mark.parametrize(
    ("path", "says", "why"),
    [
        (PATH, Says(status=404), "no such run, or the token may not read its plan"),
        (PATH, Says(status=401), "refuses the credentials"),
        (PATH, Says(status=204), "no finished plan yet"),
        (PATH, Says(status=307), "redirect (307), which is not followed"),
        (PATH, Says(status=307, headers={"Location": "https://elsewhere.example/x"}), "not among"),
        (PATH, Says(status=307, headers={"Location": "http://169.254.169.254/"}), "not among"),
        ("/v1/object/x", Says(status=307, headers={"Location": "/v1/object/y"}), "not followed"),
        ("/v1/object/x", Says(status=404), "no such thing"),
        ("/v1/object/x", Says({"format_version": "9"}), "cannot be read: its format_version"),
        ("/v1/object/x", Says([1]), "cannot be read"),
        ("/v1/object/x", Says({"x": "y" * 2_200_000}), "more than 2 MiB"),
        ("/v1/object/x", Says(PLAN, broken=True), "breaks off"),
        ("/v1/object/x", Says(status=503), "answers 503"),
    ],
)
def test_without_a_whole_plan_nothing_is_known(hcp, read, remote, path, says, why):
    remote.paths[path] = says
    facts, error = read(hcp, labels=LABELS)
    assert why in error
    assert {type(state) for state in facts.values()} == {Unknown}
    assert SECRET not in error


def test_the_test_of_the_connection_says_whether_the_token_is_taken(hcp, who, remote):
    remote.paths["/api/v2/account/details"] = Says({"data": {}})
    assert check_connection(by=who.admin, connection=hcp).works
    remote.paths["/api/v2/account/details"] = Says(status=401)
    assert not check_connection(by=who.admin, connection=hcp).works
