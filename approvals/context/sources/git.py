"""Facts of a git repository: the commit, its people, and what differs from what runs there now."""

from collections.abc import Mapping

from approvals.context.git import EMPTY_TREE, GitFailed, Repository
from approvals.context.source import Question, Source, SourceFailed

MAX_PATHS = 2000
_SIGNATURES = {"G": "good", "B": "bad"}


class GitSource(Source):
    """Reads a mirror of the project's repository, fetched fresh for every reading."""

    name = "git"
    budget = 15.0
    silence = "the project has no git repository, or no commit was named"

    def applies(self, question: Question) -> bool:
        return bool(question.repository and question.commit)

    def read(self, question: Question) -> Mapping[str, object | None]:
        repository = Repository(question.project_id, question.repository, self.budget)
        try:
            with repository.fetched():
                return self._facts(repository, question)
        except GitFailed as failure:
            raise SourceFailed(str(failure)) from None

    def _facts(self, repository: Repository, question: Question) -> dict[str, object | None]:
        commit = question.commit
        head = repository.tip(question.branch)
        facts: dict[str, object | None] = {
            "git.exists": repository.has(commit),
            "git.head": head,
            "git.is_head": None if head is None else head == commit,
        }
        if not facts["git.exists"]:
            return {**facts, "git.on_branch": False}
        facts["git.on_branch"] = None if head is None else repository.contains(head, commit)
        return {**facts, **self._commit(repository, commit), **self._change(repository, question)}

    def _commit(self, repository: Repository, commit: str) -> dict[str, object | None]:
        author, committer, subject, mark = repository.describe(commit)
        signed = repository.carries_signature(commit)
        signature = _SIGNATURES.get(mark, "unknown") if signed else "none"
        return {
            "git.author": author,
            "git.committer": committer,
            "git.subject": subject,
            "git.signed": signature == "good",
            "git.signature": signature,
        }

    def _change(self, repository: Repository, question: Question) -> dict[str, object | None]:
        commit, running = question.commit, question.history.running_commit
        base = running if running and repository.has(running) else EMPTY_TREE
        stat = repository.numstat(base, commit)
        added = sum(add for add, _, _ in stat)
        removed = sum(remove for _, remove, _ in stat)
        paths = tuple(path for _, _, path in stat)
        return {
            "git.authors": tuple(repository.authors(base, commit)),
            "git.paths": paths if len(paths) <= MAX_PATHS else None,
            "git.files_changed": len(paths),
            "git.insertions": added,
            "git.deletions": removed,
            "git.diff_lines": added + removed,
        }
