"""Real git repositories for the tests, and questions about them."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from approvals.context.history import History
from approvals.context.source import Question
from policies.freezes.state import Calendar
from portal.kernel.clock import now

PROJECT = UUID("0196f0e0-0000-7000-8000-000000000001")


class Repo:
    """A repository in `folder`, driven by git alone, with nothing of this machine's settings."""

    def __init__(self, folder: Path, *, object_format: str = "sha1") -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", f"--object-format={object_format}", ".")

    def git(self, *arguments: str, input: bytes | None = None, **env: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, input=input, capture_output=True, check=True,
            env={
                "PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8",
                "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_AUTHOR_NAME": "Dev", "GIT_AUTHOR_EMAIL": "dev@example.com",
                "GIT_COMMITTER_NAME": "Merger", "GIT_COMMITTER_EMAIL": "merger@example.com",
                **env,
            },
        )  # fmt: skip
        return done.stdout.decode(errors="replace").strip()

    def commit(self, files: dict[str, bytes | None], message: str = "Change", **env: str) -> str:
        """Write or (with None) delete files, and commit; the new commit's id."""
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message, **env)
        return self.git("rev-parse", "HEAD")

    def raw_commit(self, header: bytes, message: bytes = b"Hand-made\n") -> str:
        """A commit object with exactly these header lines after its tree, made main's tip."""
        tree = self.git("rev-parse", "HEAD^{tree}").encode()
        parent = self.git("rev-parse", "HEAD").encode()
        body = b"tree %s\nparent %s\n%s\n%s" % (tree, parent, header, message)
        made = self.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", input=body)
        self.git("update-ref", "refs/heads/main", made)
        return made


def question(address: str | Path, commit: str, *, running: str = "", branch: str = "main"):
    """What a source is asked about `commit` while `running` is on the environment."""
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    return Question(
        request_id=uuid4(), project_id=PROJECT, environment_id=uuid4(), project="shop",
        environment="production", tier="production", action="deploy", subject={"commit": commit},
        run={"id": "1", "attempt": 1}, labels=(), claims={}, reason="",
        repository=str(address), branch=branch,
        history=History(running, at if running else None, "succeeded" if running else "none", 0, 0),
        policy_version=None, calendar=Calendar(), now=now(),
    )  # fmt: skip
