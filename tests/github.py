"""A GitHub for tests: one repository with a real git repository, answers as GitHub documents them.

It keeps state (checks run again, reviews are dismissed, the branch moves), checks its credentials,
an App's with the App's public key, gives lists page by page and knows what it has by an ETag. Its
answers are held against GitHub's own description of its API (tests/integration/github/).
"""

import base64
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from subprocess import CalledProcessError
from urllib.parse import parse_qsl, unquote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from portal.kernel.clock import now
from tests.remote import Remote, Says

NUMBER = 1296269
TOKEN = "github_pat_reader"
INSTALLATION = 4711
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
PEOPLE = {"ana@example.com": 11, "tomas@example.com": 12, "merger@example.com": 13}
UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None,
            "verified_at": None}  # fmt: skip


class Missing(LookupError):
    """What GitHub says 404 about."""


class Unprocessable(ValueError):
    """What GitHub says 422 about."""


def stamp(minutes):
    """The time in GitHub's way, so many minutes after START."""
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def user(number, kind="User"):
    return {"login": f"user{number}", "id": number, "type": kind, "site_admin": False}


def told(body, status=200, **headers):
    """An answer as GitHub sends it."""
    kind = {"Content-Type": "application/json; charset=utf-8", "X-RateLimit-Remaining": "4999"}
    return Says(body, status, {**kind, **headers})


class GitHub(Remote):
    """`refuses` holds (pattern of a path, Says) that are said in place of an answer."""

    def __init__(self, repo):
        super().__init__()
        self.repo, self.clock, self.people = repo, 0, dict(PEOPLE)
        self.protected, self.verification = {"main"}, {}
        self.runs, self.statuses, self.pulls, self.deployments = [], [], [], []
        self.actions, self.members = {}, {}
        self.refuses, self.answered, self.forks = [], [], set()
        self.app_key, self.apps_tokens, self.lasts = None, {}, timedelta(hours=1)

    def tick(self):
        self.clock += 1
        return stamp(self.clock)

    def run(self, commit, name, conclusion="success", **more):
        """A check run; without a conclusion it still runs."""
        status = "completed" if conclusion else "in_progress"
        row = {"id": 1 + len(self.runs), "head_sha": commit, "name": name, "status": status,
               "conclusion": conclusion, "started_at": self.tick(),
               "html_url": f"https://github.example/acme/shop/runs/{1 + len(self.runs)}",
               **more}  # fmt: skip
        self.runs = [one for one in self.runs if (one["head_sha"], one["name"]) != (commit, name)]
        self.runs.append(row)

    def member(self, login, number, *lines):
        """An account with the SSH keys that it uploaded."""
        self.members[login] = (number, lines)

    def action(self, number, commit, *, pushed=11, started=11):
        """A run of GitHub Actions: who pushed, and who started its last attempt."""
        people = {"actor": user(pushed), "triggering_actor": user(started)}
        self.actions[number] = {"id": number, "head_sha": commit, "run_attempt": 1, **people}

    def status(self, commit, context, state="success"):
        """What another system reports."""
        row = {"id": 1 + len(self.statuses), "state": state, "context": context,
               "target_url": None,
               "created_at": self.tick(), "updated_at": stamp(self.clock)}  # fmt: skip
        self.statuses.append((commit, row))

    def pull(self, head, *, author=11, base="main", into=NUMBER, **more):
        number = 1 + len(self.pulls)
        row = {"number": number, "state": "open", "title": "Raise the price", "user": user(author),
               "labels": [{"id": 1, "name": "hotfix"}], "merged_at": None,
               "base": {"ref": base, "repo": {"id": into}}, "head": {"sha": head},
               "requested_reviewers": [], "requested_teams": [],
               "html_url": f"https://github.example/acme/shop/pull/{number}", **more}  # fmt: skip
        self.pulls.append({"row": row, "commits": {head}, "reviews": []})
        return self.pulls[-1]

    def review(self, pull, person, state="APPROVED", **more):
        row = {"id": 80 + len(pull["reviews"]), "user": user(person), "state": state,
               "submitted_at": self.tick(), "commit_id": pull["row"]["head"]["sha"],
               "author_association": "MEMBER", **more}  # fmt: skip
        pull["reviews"].append(row)
        return row

    def push(self, pull, commit):
        pull["row"]["head"]["sha"] = commit
        pull["commits"].add(commit)

    def merge(self, pull, commit):
        pull["row"].update(state="closed", merged_at=self.tick(), merge_commit_sha=commit)
        pull["commits"].add(commit)

    def deploy(self, commit, *states, environment="production", person=12):
        row = {"id": 42 + len(self.deployments), "sha": commit, "environment": environment,
               "creator": user(person), "created_at": self.tick()}  # fmt: skip
        said = [{"id": n, "state": s, "created_at": self.tick()} for n, s in enumerate(states, 1)]
        self.deployments.append((row, said[::-1]))

    def says(self, path, headers):
        below, _, query = path.partition("?")
        for pattern, refusal in self.refuses:
            if re.search(pattern, below):
                return refusal
        if below.startswith("/app/installations/"):
            return self._installation_token(below, headers, self.asked[-1][3])
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token != TOKEN and self.apps_tokens.get(token, START) < now():
            return told({"message": "Bad credentials"}, 401)
        found = re.fullmatch(rf"/(?:repositories/{NUMBER}|repos/acme/shop)(?:/(.+))?", below)
        try:
            if found:
                body = self._answer(found[1] or "", dict(parse_qsl(query)))
            else:
                body = self._account(unquote(below))
        except Missing:
            return told({"message": "Not Found"}, 404)
        except Unprocessable:
            return told({"message": "No commit found for SHA"}, 422)
        return self._sent(path, body, headers)

    def _sent(self, path, body, headers):
        etag = f'W/"{hashlib.sha256(json.dumps(body).encode()).hexdigest()}"'
        self.answered.append((path, body))
        if headers.get("if-none-match") == etag:
            return Says(status=304)
        return told(body, ETag=etag)

    def _installation_token(self, below, headers, body):
        head, claims, signature = headers["authorization"].removeprefix("Bearer ").split(".")
        self.app_key.verify(_decoded(signature), f"{head}.{claims}".encode(),
                            padding.PKCS1v15(), hashes.SHA256())  # fmt: skip
        claims, seconds = json.loads(_decoded(claims)), now().timestamp()
        assert json.loads(_decoded(head)) == {"alg": "RS256", "typ": "JWT"}
        assert claims["iat"] <= seconds < claims["exp"] <= claims["iat"] + 600
        wanted = json.loads(body or b"{}")
        if (
            below != f"/app/installations/{INSTALLATION}/access_tokens"
            or claims["iss"] != "Iv1.8a61"
        ):
            return told({"message": "Not Found"}, 404)
        if not set(wanted.get("repository_ids", [])) <= {NUMBER}:
            return told({"message": "There is at least one repository that does not exist"}, 422)
        token = f"ghs_{len(self.apps_tokens)}"
        self.apps_tokens[token] = now() + self.lasts
        ends = self.apps_tokens[token].strftime("%Y-%m-%dT%H:%M:%SZ")
        return told({"token": token, "expires_at": ends, "permissions": {}}, 201)

    def _answer(self, path, query):
        for pattern, answer in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found:
                return answer(self, query, *map(unquote, filter(None, found.groups())))
        raise Missing

    def _repository(self, query):
        return {"id": NUMBER, "full_name": "acme/shop", "default_branch": "main"}

    def _commits(self, query):
        return _page(self._log(query.get("sha", "main")), query)

    def _commit(self, query, name):
        try:
            return {**self._log(name, "-1")[0], "files": []}
        except CalledProcessError:
            raise Unprocessable from None

    def _log(self, span, *flags):
        form = "%H%x00%ae%x00%ce%x00%B%x01"
        text = self.repo.git("log", f"--format={form}", *flags, span, "--")
        return [self._told(*row.lstrip("\n").split("\0")) for row in text.split("\x01") if row]

    def _told(self, commit, author, committer, message):
        verification = self.verification.get(commit, UNSIGNED)
        return {
            "sha": commit,
            "html_url": f"https://github.example/acme/shop/commit/{commit}",
            "commit": {
                "author": {"name": "A", "email": author, "date": stamp(0)},
                "committer": {"name": "C", "email": committer, "date": stamp(0)},
                "message": message.strip(),
                "verification": verification,
            },
            "author": self.people.get(author) and user(self.people[author]),
            "committer": self.people.get(committer) and user(self.people[committer]),
        }

    def _tip(self, name):
        try:
            return self.repo.git("show-ref", "--verify", "--hash", f"refs/heads/{name}")
        except CalledProcessError:
            raise Missing from None

    def _branch(self, query, name):
        tip = self._tip(name)
        return {"name": name, "commit": {"sha": tip}, "protected": name in self.protected}

    def _heads(self, query, commit):
        if commit in self.forks:
            return []
        text = self.repo.git("for-each-ref", "--format=%(refname:short)", f"--points-at={commit}",
                             "refs/heads/")  # fmt: skip
        return [{"name": name, "commit": {"sha": commit}, "protected": False}
                for name in text.split()]  # fmt: skip

    def _compare(self, query, base, head):
        try:
            parted = self.repo.git("merge-base", base, head)
        except CalledProcessError:
            raise Missing from None
        ahead = self._log(f"{parted}..{head}", "--reverse")
        status = {(True, True): "identical", (True, False): "ahead", (False, True): "behind"}.get(
            (parted == base, parted == head), "diverged"
        )
        whole = {"status": status, "total_commits": len(ahead), "ahead_by": len(ahead),
                "behind_by": 0, "commits": _page(ahead, query), "files": []}  # fmt: skip
        if query.get("page", "1") == "1":
            whole["files"] = list(self._files(parted, head))[:300]
        return whole

    def _files(self, base, head):
        raw = self.repo.git("diff", "--raw", "-z", "-M", "--abbrev=40", base, head)
        rows = [row for row in raw.split("\0") if row]
        words = {"A": "added", "D": "removed", "R": "renamed", "M": "modified"}
        while rows:
            *_, old_id, new_id, letter = rows.pop(0).split()
            old = rows.pop(0)
            new = rows.pop(0) if letter[0] == "R" else old
            added, removed = self.repo.git("diff", "--numstat", "-M", base, head, "--", old, new
                                           ).split()[:2]  # fmt: skip
            added, removed = (0, 0) if added == "-" else (int(added), int(removed))
            counted = {"additions": added, "deletions": removed, "changes": added + removed}
            row = {"filename": new, "status": words[letter[0]], **counted,
                    "sha": old_id if letter == "D" else new_id}  # fmt: skip
            yield {**row, **({"patch": "@@"} if counted["changes"] else {}),
                   **({"previous_filename": old} if old != new else {})}  # fmt: skip

    def _runs(self, query, commit):
        rows = [row for row in self.runs if row["head_sha"] == commit]
        return {"total_count": len(rows), "check_runs": _page(rows, query)}

    def _combined(self, query, commit):
        last = {row["context"]: row for at, row in self.statuses if at == commit}
        rows = list(last.values())
        return {"state": "pending", "sha": commit, "total_count": len(rows),
                "statuses": _page(rows, query)}  # fmt: skip

    def _pulls(self, query, commit=None):
        rows = [one["row"] for one in self.pulls if commit is None or commit in one["commits"]]
        return _page(rows, query)

    def _reviews(self, query, number):
        return _page(self.pulls[int(number) - 1]["reviews"], query)

    def _account(self, path):
        for login, (number, lines) in self.members.items():
            if path in (f"/users/{login}", f"/user/{number}"):
                return {**user(number), "login": login}
            if path == f"/users/{login}/keys":
                return [{"id": n, "key": line} for n, line in enumerate(lines)]
        raise Missing

    def _action(self, query, number, attempt):
        found = self.actions.get(int(number))
        if found is None or found["run_attempt"] != int(attempt):
            raise Missing
        return found

    def _deployments(self, query):
        rows = [row for row, _ in self.deployments
                if query.get("environment") in {None, row["environment"]}]  # fmt: skip
        return _page(rows[::-1], query)

    def _deployment_statuses(self, query, number):
        return _page(self.deployments[int(number) - 42][1], query)


def _decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _page(rows, query):
    size, number = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
    return rows[(number - 1) * size : number * size]


_ROUTES = [
    ("", GitHub._repository),
    ("commits", GitHub._commits),
    ("commits/([^/]+)", GitHub._commit),
    ("commits/([^/]+)/branches-where-head", GitHub._heads),
    ("commits/([^/]+)/check-runs", GitHub._runs),
    ("commits/([^/]+)/status", GitHub._combined),
    ("(?:commits/([^/]+)/)?pulls", GitHub._pulls),
    ("branches/([^/]+)", GitHub._branch),
    (r"compare/(\w+)\.\.\.(\w+)", GitHub._compare),
    (r"pulls/(\d+)/reviews", GitHub._reviews),
    (r"actions/runs/(\d+)/attempts/(\d+)", GitHub._action),
    ("deployments", GitHub._deployments),
    (r"deployments/(\d+)/statuses", GitHub._deployment_statuses),
]
