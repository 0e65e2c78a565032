"""Facts of a git repository: the commit, its people, and what differs from what runs there now."""

from collections.abc import Mapping
from datetime import UTC, datetime

from approvals.context.forge import NO_TIME
from approvals.context.listed import MOST_COMMITS, commit_lines, stat_lines
from approvals.context.people import NO_ADDRESS, address, people
from approvals.context.source import Question, Source, SourceFailed
from approvals.context.sources.changed_migrations import migration_facts
from policies.language.facts import Unknown
from portal.kernel.clock import rfc3339
from portal.kernel.git import MAX_COMMITS, Repository
from portal.kernel.git_files import Files
from portal.kernel.git_process import GitFailed

_SIGNATURES = {"G": "good", "B": "bad"}
_NO_BRANCH = Unknown("the repository does not have the project's branch", "absent")
_NO_COMMIT = Unknown("no branch of the repository has this commit", "absent")
_UNCHECKED = Unknown("the signature could not be checked", "absent")
_TOO_LONG = Unknown(f"more than {MAX_COMMITS} commits since what runs there now", "absent")


class GitSource(Source):
    """Reads a mirror of the repository, fetched fresh; who waits meanwhile shares the fetch."""

    name = "git"
    gives = (
        "git.exists",
        "git.head",
        "git.is_head",
        "git.on_branch",
        "git.author",
        "git.committer",
        "git.authors",
        "git.subject",
        "git.committed_at",
        "git.signed",
        "git.signature",
        "git.paths",
        "git.files_changed",
        "git.insertions",
        "git.deletions",
        "git.diff_lines",
        "migration",
        "git.stat",
        "git.commits",
    )
    budget = 15.0
    silence = "the project has no git repository, or no commit was named"

    def applies(self, question: Question) -> bool:
        return bool(question.repository and question.commit)

    def read(self, question: Question) -> Mapping[str, object | None]:
        repository = Files(question.project_id, question.repository, self.budget)
        try:
            with repository.fetched(since=question.now):
                return self._facts(repository, question)
        except GitFailed as failure:
            raise SourceFailed(str(failure)) from None

    def _facts(self, repository: Files, question: Question) -> dict[str, object | None]:
        commit = question.commit
        head = repository.tip(question.branch)
        facts: dict[str, object | None] = {
            "git.exists": repository.has(commit),
            "git.head": head or _NO_BRANCH,
            "git.is_head": head == commit if head else _NO_BRANCH,
        }
        if not facts["git.exists"]:
            rest = {fact.name: _NO_COMMIT for fact in self.fact_types()}
            return {**rest, **facts, "git.on_branch": False}
        facts["git.on_branch"] = repository.contains(head, commit) if head else _NO_BRANCH
        return {**facts, **self._commit(repository, commit), **self._change(repository, question)}

    def _commit(self, repository: Repository, commit: str) -> dict[str, object | None]:
        author, committer, subject, mark, seconds = repository.describe(commit)
        signed = repository.carries_signature(commit)
        signature = _SIGNATURES.get(mark, "unknown") if signed else "none"
        return {
            "git.author": address(author) or NO_ADDRESS,
            "git.committer": address(committer) or NO_ADDRESS,
            "git.subject": subject,
            "git.committed_at": _moment(seconds),
            "git.signed": _UNCHECKED if signature == "unknown" else signature == "good",
            "git.signature": signature,
        }

    def _change(self, repository: Files, question: Question) -> dict[str, object | None]:
        commit, running = question.commit, question.history.running_commit
        base = running if running and repository.has(running) else None
        writers = repository.authors(base, commit)
        stat = repository.numstat(base, commit)
        added = sum(add for add, _, _ in stat)
        removed = sum(remove for _, remove, _ in stat)
        paths = [path for _, _, path in stat]
        return {
            "git.authors": _TOO_LONG if writers is None else people(writers),
            "git.paths": paths,
            "git.files_changed": len(paths),
            "git.insertions": added,
            "git.deletions": removed,
            "git.diff_lines": added + removed,
            **migration_facts(repository, commit, paths),
            "git.stat": stat_lines(stat),
            "git.commits": commit_lines(repository.commits(base, commit, MOST_COMMITS + 1)),
        }


def _moment(seconds: str) -> str | Unknown:
    """RFC 3339 in UTC; whoever commits can write any number."""
    try:
        return rfc3339(datetime.fromtimestamp(int(seconds), UTC))
    except (ValueError, OverflowError, OSError):
        return NO_TIME
