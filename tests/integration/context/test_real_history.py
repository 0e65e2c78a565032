"""A history that people made: this project's own, against what plain git says of it."""

import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
SPAN = 200


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, check=True)
    return done.stdout.decode(errors="replace").strip()


@pytest.fixture(scope="module")
def span():
    """The tip of this checkout, the commit so many before it, and a branch that has both."""
    try:
        commits = git("rev-list", "--first-parent", f"--max-count={SPAN + 1}", "HEAD").split()
        branch = git("branch", "--show-current")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("NO REAL HISTORY: this is no git checkout")
    if len(commits) <= SPAN or not branch:
        pytest.skip(f"NO REAL HISTORY: a clone of a branch with over {SPAN} commits has one")
    return commits[0], commits[-1], branch


def test_a_real_history_is_read_as_git_itself_tells_it(span, facts_of, tmp_path):
    tip, running, branch = span
    between = f"{running}..{tip}"
    facts = facts_of(tip, CHECKOUT, running=running, branch=branch)
    assert set(facts["authors"]) == set(git("log", "--format=%ae%n%ce", between).split("\n"))
    (tmp_path / "attributes").write_text("* diff\n")  # pictures have lines too
    as_text = ("-c", f"core.attributesFile={tmp_path / 'attributes'}")
    files = git(*as_text, "diff", "--numstat", "--no-renames", between).split("\n")
    added, removed = (sum(int(row.split("\t")[side]) for row in files) for side in (0, 1))
    change = [facts[name] for name in ("files_changed", "insertions", "deletions")]
    assert change == [len(files), added, removed]
    names = [name[:12] for name in git("log", "--format=%H", between).split()]
    shown = [line.split(" ", 1)[0] for line in facts["commits"]]
    assert shown == names[: len(shown)]
    assert shown
    assert facts["subject"] == git("log", "-1", "--format=%s", tip)


def test_what_came_before_is_an_ancestor_of_a_real_tip(span, facts_of):
    tip, older, branch = span
    facts = facts_of(older, CHECKOUT, running=older, branch=branch)
    assert (facts["head"], facts["is_head"], facts["on_branch"]) == (tip, False, True)
    assert (facts["files_changed"], facts["commits"]) == (0, ())
