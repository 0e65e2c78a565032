"""Files of a folder in a mirror, as a commit has them: nothing is checked out."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.kernel.git import MAX_COMMITS, Repository
from portal.kernel.git_process import GitFailed

MAX_LISTING = 1024 * 1024  # bytes of one folder's own object: about 25,000 names
MOST_PATHS = 100  # of one command: each may have 4,096 bytes


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a folder; `size` is None for what is no file."""

    mode: str
    object_id: str
    size: int | None
    name: str

    @property
    def is_file(self) -> bool:
        """A plain file: no link, no folder, no other repository."""
        return self.mode in {"100644", "100755"}


class Files(Repository):
    """A mirror whose files are read, too."""

    def folder(self, commit: str, path: str) -> list[Listed] | None:
        """What stands in the folder `path` (empty: the root) of a commit; None for no folder.

        No link on the way is followed. Raises GitFailed for a folder that is too long.
        """
        found = self._try("rev-parse", "--verify", "--quiet", f"{commit}:{path}")
        tree = found.strip() if found else ""
        if not tree or (self._try("cat-file", "-t", tree) or "").strip() != "tree":
            return None
        if int(self._run("cat-file", "-s", tree)) > MAX_LISTING:
            raise GitFailed("the folder has too many files")
        return [_listed(row) for row in self._run("ls-tree", "-z", "-l", tree).split("\0") if row]

    def entries(self, commit: str, paths: Sequence[str]) -> dict[str, Listed]:
        """What stands at each of `paths` in a commit; those where nothing stands are left out.

        No link on the way is followed.
        """
        found: dict[str, Listed] = {}
        for start in range(0, len(paths), MOST_PATHS):
            rows = self._run("ls-tree", "-z", "-l", "--full-tree", commit, "--",
                             *paths[start : start + MOST_PATHS])  # fmt: skip
            listed = [_listed(row) for row in rows.split("\0") if row]
            found.update({one.name: one for one in listed})
        return found

    def blob(self, object_id: str) -> bytes:
        """The content of a file. Ask for its size first: all of it comes into memory."""
        code, out, _ = self._raw(("cat-file", "blob", object_id))
        if code != 0:
            raise GitFailed("a file of the repository cannot be read")
        return out

    def last_change(self, commit: str, path: str) -> tuple[str, str]:
        """The commit that made `path` what it is in `commit`, and its subject line."""
        text = self._run("log", "-1", "--format=%H%x00%s", commit, "--", path)
        found, _, subject = text.rstrip("\n").partition("\0")
        return found, subject

    def writers(self, base: str | None, commit: str, path: str) -> list[str] | None:
        """E-mail addresses of authors and committers of `path` since `base` (None: ever).

        None when too many; an empty one where a commit names none.
        """
        span = f"{base}..{commit}" if base else commit
        text = self._run("log", f"--max-count={MAX_COMMITS + 1}", "--format=%ae%n%ce", span, "--",
                         path)  # fmt: skip
        lines = text.split("\n")[:-1]
        return sorted(set(lines)) if len(lines) <= 2 * MAX_COMMITS else None


def _listed(row: str) -> Listed:
    """One row of `ls-tree -z -l`."""
    about, _, name = row.partition("\t")
    mode, _, object_id, size = about.split()
    return Listed(mode, object_id, int(size) if size.isdigit() else None, name)
