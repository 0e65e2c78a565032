"""python-gitlab and our source ask the same GitLab the same questions and read the same answers."""

from urllib.parse import parse_qsl

import gitlab
import pytest

from tests.gitlab import NUMBER
from tests.integration.gitlab.reader import client

pytestmark = pytest.mark.django_db

# What python-gitlab sends of itself, and what names the page.
_OF_PAGES = {"page", "per_page"}


@pytest.fixture(autouse=True)
def all_of_it(shop, lab):
    """The commit has all that can be told of one, and another one after it."""
    shop.tip = shop.commit({"b.txt": b"2\n"})
    one = lab.merge_request()
    lab.push(one, shop.new)
    lab.approve(one, 2)
    lab.review(one, 2, "approved")
    lab.merge(one)
    lab.job(shop.new, "unit")
    lab.job(shop.new, "e2e", "failed")
    lab.deploy(shop.old)
    lab.signatures[shop.new] = "verified"


def asked(lab):
    """Path and names of parameters of each question so far, and forget them."""
    found = {
        (path, frozenset(name for name, _ in parse_qsl(query)) - _OF_PAGES)
        for path, _, query in (row[1].partition("?") for row in lab.asked)
    }
    lab.asked.clear()
    return found


def test_both_ask_the_same_and_read_the_same(shop, lab, facts):
    said = facts(shop.new, shop.old)
    ours = asked(lab)

    project = client(lab).projects.get(NUMBER, lazy=True)
    commit = project.commits.get(shop.new, stats="false")
    project.commits.get(shop.old, stats="false")
    assert (commit.author_email, commit.committer_email) == (
        said["git.author"],
        said["git.committer"],
    )
    assert commit.message == said["git.message"]
    assert commit.web_url == said["git.url"]
    assert commit.signature()["verification_status"] == "verified"
    assert said["git.signature"] == "good"

    branch = project.branches.get("main")
    assert branch.commit["id"] == said["git.head"]
    assert branch.protected == said["git.branch_protected"]
    shared = project.repository_merge_base([shop.new, branch.commit["id"]])
    assert (shared["id"] == shop.new) is said["git.on_branch"]

    span = project.commits.list(ref_name=f"{shop.old}..{shop.new}", get_all=True)
    people = {address for one in span for address in (one.author_email, one.committer_email)}
    assert tuple(sorted(people)) == said["git.authors"]
    compared = project.repository_compare(shop.old, shop.new, straight="true")
    assert tuple(sorted(diff["new_path"] for diff in compared["diffs"])) == said["git.paths"]

    states = {one.name: one.status for one in commit.statuses.list(order_by="id", get_all=True)}
    assert states == {"unit": "success", "e2e": "failed"}
    assert (said["ci.passed"], said["ci.failed"]) == (("unit",), ("e2e",))

    (brought,) = commit.merge_requests()
    one = project.mergerequests.get(brought["iid"], lazy=True)
    assert one.iid == said["pr.number"]
    (approval,) = one.approvals.get().approved_by
    assert (f"gitlab:{approval['user']['id']}",) == said["pr.approvers"]
    (version,) = one.diffs.list(get_all=True)
    assert version.created_at < approval["approved_at"]
    (reviewer,) = one.reviewer_details.list(get_all=True)
    assert reviewer.state == "approved"

    (deployed,) = project.deployments.list(
        environment="production", order_by="id", sort="desc", get_all=True
    )
    assert (deployed.sha, deployed.status) == (said["deployment.sha"], said["deployment.state"])

    assert asked(lab) == ours


def test_the_names_of_filters_are_those_that_python_gitlab_knows(shop, lab, facts):
    facts(shop.new, shop.old)
    project = client(lab).projects.get(NUMBER, lazy=True)
    known = {
        "/repository/commits": project.commits._list_filters,
        "/deployments": project.deployments._list_filters,
    }
    seen = 0
    for path, names in asked(lab):
        for ending, filters in known.items():
            if path.endswith(ending):
                seen += 1
                assert names <= set(filters), path
    assert seen == 2


def test_the_double_refuses_and_pages_as_python_gitlab_expects(shop, lab):
    project = client(lab).projects.get(NUMBER)
    rows = project.commits.list(ref_name="main", per_page=1, iterator=True)
    assert [one.id for one in rows] == [shop.tip, shop.new, shop.old]
    with pytest.raises(gitlab.GitlabGetError, match="404 Commit Not Found"):
        project.commits.get("d" * 40)
    with pytest.raises(gitlab.GitlabAuthenticationError, match="401 Unauthorized"):
        gitlab.Gitlab(lab.url, private_token="wrong").projects.get(NUMBER)
