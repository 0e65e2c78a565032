"""Facts of the migrations among the files of a change, read from a mirror of the repository."""

from approvals.context.migrations import choose, is_migration, read_migrations
from portal.kernel.git_files import Files


def migration_facts(files: Files, commit: str, changed: list[str]) -> dict[str, object]:
    """What the migrations among the `changed` paths would do, as `commit` has them.

    Raises GitFailed.
    """
    paths = [path for path in changed if is_migration(path)]
    there = files.entries(commit, paths)
    chosen, refused = choose({path: one.size or 0 for path, one in there.items() if one.is_file})
    refused |= {path: "no plain file" for path, one in there.items() if not one.is_file}
    # A name that is no text is not found again under what is shown of it.
    refused |= {
        path: "its name is not UTF-8" for path in paths if "\N{REPLACEMENT CHARACTER}" in path
    }
    found = read_migrations(
        {path: files.blob(there[path].object_id) for path in chosen},
        refused,
        gone=[path for path in paths if path not in there],
    )
    return {
        "migration.files": found.files,
        "migration.drops": found.drops,
        "migration.locks": found.locks,
        "migration.unreadable": found.unreadable,
    }
