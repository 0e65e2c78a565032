"""python-gitlab as the judge of our GitLab: it reads every answer as the object it knows there."""

import re

import gitlab
from gitlab import mixins
from gitlab.base import RESTObject

from tests.gitlab import NUMBER, TOKEN

# What has no class of its own in python-gitlab: it hands the JSON on.
_PLAIN = ("/signature", "/refs", "/repository/merge_base", "/repository/compare")
_OF_COMMIT = re.compile(r"/repository/commits/\w+/merge_requests$")


def client(server):
    """python-gitlab, calling our GitLab."""
    return gitlab.Gitlab(server.url, private_token=TOKEN, retry_transient_errors=False)


def read_by_python_gitlab(server):
    """Read all that was answered. Fails for a list where python-gitlab wants an object, an object
    without the id that python-gitlab finds it by (reviewers have none at GitLab either), and an
    address that it does not know."""
    asked = client(server)
    for path, body in server.answered:
        below = path.partition("?")[0].removeprefix("/api/v4")
        if below.endswith(_PLAIN):
            assert isinstance(body, list if below.endswith("/refs") else dict), below
            continue
        manager = _manager(asked, below)
        for row in body if isinstance(body, list) else [body]:
            read = manager._obj_cls(manager, row)
            assert isinstance(read, RESTObject)
            assert read._id_attr is None or below.endswith("/reviewers") or read.get_id(), below
        if isinstance(body, list):
            assert isinstance(manager, mixins.ListMixin), below


def _manager(asked, below):
    """The part of python-gitlab whose address this is."""
    project = asked.projects.get(NUMBER, lazy=True)
    commit = project.commits.get("c0ffee", lazy=True)
    request = project.mergerequests.get(1, lazy=True)
    if _OF_COMMIT.search(below):
        return project.mergerequests
    managers = (asked.projects, project.commits, project.branches, commit.statuses,
                project.mergerequests, request.approvals, request.diffs, request.reviewer_details,
                project.deployments, project.pipelines, project.jobs,
                asked.users, asked.users.get(11, lazy=True).keys)  # fmt: skip
    for manager in managers:
        path = (
            re.escape(manager.path)
            .replace("c0ffee", r"\w+")
            .replace("merge_requests/1", r"merge_requests/\d+")
        )
        if re.fullmatch(rf"{path}(/[^/]+)?", below):
            return manager
    raise AssertionError(f"python-gitlab knows no {below}")
