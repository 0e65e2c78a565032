"""A GitLab for tests: one project with a real git repository, answers as GitLab documents them.

It keeps state (pushes make versions of merge requests, jobs are retried, people approve), checks
the token, gives lists page by page and knows what it has by an ETag. Written from the description
of its API; python-gitlab reads every answer that it gave (tests/integration/gitlab/).
"""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, unquote

from tests.gitlab_git import EMPTY, Missing, OfGit
from tests.remote import Remote, Says

NUMBER = 42
TOKEN = "glpat-reader"
START = datetime(2026, 11, 23, 9, tzinfo=UTC)


def stamp(minutes):
    """The time in GitLab's way, so many minutes after START."""
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def user(number):
    return {
        "id": number,
        "username": f"user{number}",
        "name": f"User {number}",
        "state": "active",
        "locked": False,
        "avatar_url": None,
        "web_url": f"https://gitlab.example.com/user{number}",
    }


class GitLab(OfGit, Remote):
    """`refuses` holds (pattern of a path, Says) that are said in place of an answer."""

    def __init__(self, repo):
        super().__init__()
        self.repo, self.clock = repo, 0
        self.protected, self.signatures = {"main"}, {}
        self.jobs, self.merge_requests, self.deployments = [], [], []
        self.members = {}
        self.started, self.refuses, self.answered = {}, [], []

    # What people and pipelines do.

    def tick(self):
        self.clock += 1
        return stamp(self.clock)

    def job(self, commit, name, status="success", **more):
        """A job or an external status; the same name again is a newer one."""
        at = self.tick()
        row = {
            "id": 1000 + len(self.jobs),
            "sha": commit,
            "ref": "main",
            "status": status,
            "name": name,
            "target_url": f"https://gitlab.example.com/shop/-/jobs/{1000 + len(self.jobs)}",
            "description": None,
            "created_at": at,
            "started_at": at,
            "finished_at": at,
            "allow_failure": False,
            "coverage": None,
            "pipeline_id": 7,
            "author": user(1),
            **more,
        }
        self.jobs.append(row)

    def merge_request(self, author=1, target="main", **more):
        row = {
            "id": 500 + len(self.merge_requests),
            "iid": 1 + len(self.merge_requests),
            "project_id": NUMBER,
            "title": "Raise the price of coffee",
            "description": "",
            "state": "opened",
            "created_at": self.tick(),
            "updated_at": stamp(self.clock),
            "merged_at": None,
            "target_branch": target,
            "source_branch": "price",
            "author": user(author),
            "source_project_id": NUMBER,
            "target_project_id": NUMBER,
            "labels": [],
            "draft": False,
            "sha": None,
            "merge_commit_sha": None,
            "squash_commit_sha": None,
            "web_url": "https://gitlab.example.com/shop/-/merge_requests/1",
            **more,
        }
        row["_"] = {"commits": set(), "versions": [], "approved": {}, "reviewers": {}}
        self.merge_requests.append(row)
        return row

    def push(self, row, commit):
        """The source branch of a merge request gets a new tip: a version of its diff more."""
        row["sha"] = commit
        row["_"]["commits"].add(commit)
        row["_"]["versions"].insert(
            0,
            {
                "id": 100 + len(row["_"]["versions"]),
                "head_commit_sha": commit,
                "base_commit_sha": EMPTY,
                "start_commit_sha": EMPTY,
                "created_at": self.tick(),
                "merge_request_id": row["id"],
                "state": "collected",
                "real_size": "1",
            },
        )

    def approve(self, row, person):
        row["_"]["approved"][person] = self.tick()

    def review(self, row, person, state):
        row["_"]["reviewers"][person] = state

    def merge(self, row, commit=None):
        row.update(state="merged", merged_at=self.tick(), merge_commit_sha=commit)

    def deploy(self, commit, status="success", environment="production", **more):
        at = self.tick()
        row = {
            "id": 800 + len(self.deployments),
            "iid": 1 + len(self.deployments),
            "ref": "main",
            "sha": commit,
            "created_at": at,
            "updated_at": at,
            "status": status,
            "user": user(3),
            "environment": {"id": 9, "name": environment, "external_url": None},
            "deployable": None,
            **more,
        }
        self.deployments.append(row)

    # What it answers.

    def says(self, path, headers):
        below, _, query = path.partition("?")
        for pattern, refusal in self.refuses:
            if re.search(pattern, below):
                return refusal
        if headers.get("private-token") != TOKEN:
            return _refused("401 Unauthorized")
        if below.startswith("/api/v4/users"):
            return self._sent(path, self._accounts(below, dict(parse_qsl(query))), {}, headers)
        found = re.fullmatch(r"/api/v4/projects/(\d+)(?:/(.+))?", below)
        if not found or int(found[1]) != NUMBER:
            return _refused("404 Project Not Found")
        try:
            body = self._answer(found[2] or "", parse_qsl(query))
        except Missing as missing:
            return _refused(f"404 {missing} Not Found")
        return self._sent(path, body, dict(parse_qsl(query)), headers)

    def _sent(self, path, body, query, headers):
        more = {}
        if isinstance(body, list):
            body, more = _page(f"{self.url}{path}", body, query)
        etag = f'W/"{hashlib.sha256(json.dumps(body).encode()).hexdigest()[:32]}"'
        if headers.get("if-none-match") == etag:
            return Says(status=304)
        self.answered.append((path, body))
        return Says(body, headers={**_HEADERS, "ETag": etag, **more})

    def _answer(self, path, query):
        for pattern, answer in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found:
                return answer(self, query, *map(unquote, found.groups()))
        raise Missing("")

    def _project(self, query):
        return {
            "id": NUMBER,
            "name": "shop",
            "path_with_namespace": "acme/shop",
            "name_with_namespace": "Acme / shop",
            "default_branch": "main",
            "web_url": "https://gitlab.example.com/acme/shop",
        }

    def _statuses(self, query, name):
        commit = self._id(name)
        return [row for row in self.jobs if row["sha"] == commit]

    def _of_commit(self, query, name):
        commit = self._id(name)
        return [
            _public(row)
            for row in self.merge_requests
            if commit in row["_"]["commits"] or commit == row["merge_commit_sha"]
        ]

    def _merge_requests(self, query):
        return [_public(row) for row in self.merge_requests]

    def _one(self, iid):
        found = [row for row in self.merge_requests if row["iid"] == int(iid)]
        if not found:
            raise Missing("")
        return found[0]

    def _merge_request(self, query, iid):
        return _public(self._one(iid))

    def _approvals(self, query, iid):
        row = self._one(iid)
        approved = [
            {"user": user(person), "approved_at": at} for person, at in row["_"]["approved"].items()
        ]
        return {
            "user_has_approved": False,
            "user_can_approve": False,
            "approved": bool(approved),
            "approved_by": approved,
        }

    def _versions(self, query, iid):
        return self._one(iid)["_"]["versions"]

    def _reviewers(self, query, iid):
        return [
            {"user": user(person), "state": state, "created_at": stamp(0)}
            for person, state in self._one(iid)["_"]["reviewers"].items()
        ]

    def _deployments(self, query):
        query = dict(query)
        rows = [
            row
            for row in self.deployments
            if query.get("environment") in {None, row["environment"]["name"]}
        ]
        return sorted(rows, key=lambda row: row["id"], reverse=query.get("sort") == "desc")

    def _pipelines(self, query):
        return []

    def _accounts(self, path, query):
        """`members` has number and keys of each account by its name."""
        for login, (number, lines) in self.members.items():
            if path == f"/api/v4/users/{number}/keys":
                return [{"id": 1, "key": line, "expires_at": ends} for line, ends in lines.items()]
            if query.get("username") == login:
                return [{**user(number), "username": login}]
        return []

    def _started(self, query, number):
        """A job: `started` has its commit, who pushed and who started it."""
        commit, _pushed, started = self.started[int(number)]
        pipeline = {"id": int(number) + 1, "sha": commit}
        return {"id": int(number), "user": user(started), "pipeline": pipeline}

    def _pipeline(self, query, number):
        commit, pushed, _started = self.started[int(number) - 1]
        return {"id": int(number), "sha": commit, "user": user(pushed)}


def _refused(message):
    return Says({"message": message}, int(message[:3]), _HEADERS)


def _public(row):
    return {name: value for name, value in row.items() if name != "_"}


def _page(url, rows, query):
    """One page of a list, and the headers that lead to the next."""
    size, number = min(int(query.get("per_page", 20)), 100), int(query.get("page", 1))
    part = rows[(number - 1) * size : number * size]
    more = number * size < len(rows)
    headers = {
        "X-Page": str(number),
        "X-Per-Page": str(size),
        "X-Total": str(len(rows)),
        "X-Next-Page": str(number + 1) if more else "",
    }
    if more:
        bare = re.sub(r"([?&])page=\d+&?", r"\1", url)
        joint = "&" if "?" in bare else "?"
        headers["Link"] = f'<{bare}{joint}page={number + 1}>; rel="next"'
    return part, headers


_HEADERS = {"Content-Type": "application/json", "Connection": "close"}
_ROUTES = [
    ("", GitLab._project),
    ("repository/commits", GitLab._commits),
    ("repository/commits/([^/]+)", GitLab._commit),
    ("repository/commits/([^/]+)/signature", GitLab._signature),
    ("repository/commits/([^/]+)/refs", GitLab._refs),
    ("repository/commits/([^/]+)/statuses", GitLab._statuses),
    ("repository/commits/([^/]+)/merge_requests", GitLab._of_commit),
    ("repository/branches/([^/]+)", GitLab._branch),
    ("repository/merge_base", GitLab._merge_base),
    ("repository/compare", GitLab._compare),
    ("merge_requests", GitLab._merge_requests),
    (r"merge_requests/(\d+)", GitLab._merge_request),
    (r"merge_requests/(\d+)/approvals", GitLab._approvals),
    (r"merge_requests/(\d+)/versions", GitLab._versions),
    (r"merge_requests/(\d+)/reviewers", GitLab._reviewers),
    ("deployments", GitLab._deployments),
    ("pipelines", GitLab._pipelines),
    (r"jobs/(\d+)", GitLab._started),
    (r"pipelines/(\d+)", GitLab._pipeline),
]
