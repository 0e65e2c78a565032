"""What GitLab answers about a repository, told from a real one by git."""

import re
from subprocess import CalledProcessError

EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class Missing(LookupError):
    """What GitLab says 404 about; the words are its."""


class OfGit:
    """`repo` is the repository; a comparison lists `most_files`, and no lines of `collapsed`."""

    most_files = 100
    collapsed = frozenset()

    def _commits(self, query):
        query = dict(query)
        try:
            return self._log(query.get("ref_name", "main"))
        except CalledProcessError:
            raise Missing("Commit") from None

    def _commit(self, query, name):
        return self._log(self._id(name), "-1")[0]

    def _id(self, name):
        try:
            return self.repo.git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        except CalledProcessError:
            raise Missing("Commit") from None

    def _log(self, span, *flags):
        form = "%H%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%aI%x00%cI%x00%B%x01"
        text = self.repo.git("log", f"--format={form}", *flags, span, "--")
        return [self._told(row.lstrip("\n")) for row in text.split("\x01") if row.strip()]

    def _told(self, row):
        commit, parents, an, ae, cn, ce, authored, committed, message = row.split("\0")
        return {
            "id": commit,
            "short_id": commit[:8],
            "created_at": committed,
            "parent_ids": parents.split(),
            "title": message.partition("\n")[0],
            "message": message,
            "author_name": an,
            "author_email": ae,
            "authored_date": authored,
            "committer_name": cn,
            "committer_email": ce,
            "committed_date": committed,
            "trailers": {},
            "web_url": f"https://gitlab.example.com/acme/shop/-/commit/{commit}",
        }

    def _refs(self, query, name):
        text = self.repo.git("for-each-ref", "--contains", name, "--format=%(refname)",
                             "refs/heads", "refs/tags")  # fmt: skip
        kinds = {"heads": "branch", "tags": "tag"}
        found = [row.split("/", 2) for row in text.split()]
        rows = [{"type": kinds[kind], "name": short} for _, kind, short in found]
        return [row for row in rows if dict(query).get("type", "all") in {"all", row["type"]}]

    def _signature(self, query, name):
        if self._id(name) not in self.signatures:
            raise Missing("Signature")
        return {
            "signature_type": "PGP",
            "verification_status": self.signatures[name],
            "gpg_key_id": 1,
            "gpg_key_primary_keyid": "8254AAB3FBD54AC9",
            "gpg_key_user_name": "Ana",
            "gpg_key_user_email": "ana@example.com",
            "gpg_key_subkey_id": None,
            "commit_source": "gitaly",
        }

    def _branch(self, query, name):
        try:
            tip = self.repo.git("show-ref", "--verify", "--hash", f"refs/heads/{name}")
        except CalledProcessError:
            raise Missing("Branch") from None
        return {
            "name": name,
            "merged": False,
            "protected": name in self.protected,
            "default": name == "main",
            "developers_can_push": False,
            "developers_can_merge": False,
            "can_push": False,
            "web_url": f"https://gitlab.example.com/acme/shop/-/tree/{name}",
            "commit": self._commit(None, tip),
        }

    def _merge_base(self, query):
        refs = [self._id(value) for name, value in query if name == "refs[]"]
        try:
            return self._commit(None, self.repo.git("merge-base", *refs))
        except CalledProcessError:
            raise Missing("Could not find the merge base") from None

    def _compare(self, query):
        query = dict(query)
        base, head = self._id(query["from"]), self._id(query["to"])
        if query.get("straight") != "true":
            base = self.repo.git("merge-base", base, head)
        commits = self._log(f"{base}..{head}", "--reverse")
        return {
            "commit": commits[-1] if commits else None,
            "commits": commits,
            "diffs": list(self._diffs(base, head))[: self.most_files],
            "compare_timeout": len(list(self._diffs(base, head))) > self.most_files,
            "compare_same_ref": base == head,
            "web_url": "https://gitlab.example.com/acme/shop/-/compare",
        }

    def _diffs(self, base, head):
        rows = self.repo.git("diff", "--raw", "-z", "-M", "--abbrev=40", base, head).split("\0")
        rows = [row for row in rows if row]
        while rows:
            a_mode, b_mode, _, _, letter = rows.pop(0).lstrip(":").split()
            old = rows.pop(0)
            new = rows.pop(0) if letter[0] == "R" else old
            text = self.repo.git("diff", "-M", base, head, "--", old, new)
            body = re.search(r"^(@@ .*|Binary files .*)", text, re.DOTALL | re.MULTILINE)
            short = old in self.collapsed
            yield {
                "diff": "" if short or not body else body[1] + "\n",
                "collapsed": short,
                "too_large": False,
                "new_path": new,
                "old_path": old,
                "a_mode": a_mode,
                "b_mode": b_mode,
                "new_file": letter == "A",
                "renamed_file": letter[0] == "R",
                "deleted_file": letter == "D",
                "generated_file": False,
            }
