"""Facts as rows: what is said once, what is marked, what is never left out."""

from datetime import UTC, datetime

import pytest

from approvals.models import Snapshot
from approvals.queries.facts import fact_rows, grouped
from policies.language.facts import Facts, Known, Unknown

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
WHY = "the project has no git repository, or no commit was named"


def snapshot(**states):
    facts = {
        name.replace("__", "."): Known(
            tuple(v) if isinstance(v, list) else v, "git", AT, "attested"
        )
        if not isinstance(v, Unknown)
        else v
        for name, v in states.items()
    }
    return Snapshot(facts=Facts(facts).to_json(), captured_at=AT)


def rows(now, *before, held=(), used=(), failing=()):
    found = fact_rows(now, before, held=held, used=used, failing=failing)
    return {row.name: row for row in found}


def unknown(why=WHY, kind="unavailable"):
    return Unknown(why, kind)


def test_a_silent_source_is_one_row_with_its_reason():
    silent = snapshot(git__head=unknown(), git__exists=unknown(), git__subject=unknown())
    found = [row for row in rows(silent).values() if row.source == "git" and row.reason == WHY]
    assert len(found) == 1
    assert found[0].label == "Everything else from git"


def test_an_unknown_fact_that_policy_reads_keeps_its_own_row():
    silent = snapshot(git__head=unknown(), git__exists=unknown(), git__subject=unknown())
    found = rows(silent, used=["git.head"], held=["git.exists"])
    assert found["git.head"].status == found["git.exists"].status == "unknown"


def test_a_changed_fact_comes_first_with_its_old_value():
    before, now = snapshot(git__head="a" * 40), snapshot(git__head="b" * 40)
    found = rows(now, before, held=["git.head"])
    assert (found["git.head"].changed, found["git.head"].old) == (True, "a" * 40)
    assert grouped(found.values())[0].title == "Changed"


def test_the_first_answer_of_a_source_is_no_change():
    before = snapshot(git__head=unknown("being read", "pending"))
    assert not rows(snapshot(git__head="b" * 40), before)["git.head"].changed


@pytest.mark.parametrize(
    "seen",
    [{"git__head": Unknown("being read", "pending")}, {"git__head": "b" * 40}],
    ids=["before-it-was-read", "after-it-moved"],
)
def test_what_was_approved_stays_marked_whatever_the_reader_saw_first(seen):
    approved, now = snapshot(git__head="a" * 40), snapshot(git__head="b" * 40)
    row = rows(now, approved, snapshot(**seen))["git.head"]
    assert (row.changed, row.old) == (True, "a" * 40)


def test_what_the_reader_saw_last_is_the_old_value():
    approved, seen, now = (snapshot(git__head=one * 40) for one in "abc")
    assert rows(now, approved, seen)["git.head"].old == "b" * 40


def test_the_size_says_lines_and_files_in_one_row():
    change = {"git__insertions": 182, "git__deletions": 40, "git__files_changed": 11}
    found = rows(snapshot(git__diff_lines=222, **change))
    assert found["git.diff_lines"].value == "+182 −40 in 11 files"
    assert "git.insertions" not in found
    assert "git.insertions" in rows(
        snapshot(git__diff_lines=222, **change), used=["git.insertions"]
    )


def test_what_says_something_only_when_it_is_there_has_no_empty_row():
    full = rows(snapshot(migration__files=["m/1.sql"], migration__drops=["DROP a"]))
    assert (full["migration.drops"].status, "migration.locks" in full) == ("look", False)
    empty = {"migration__files": [], "migration__drops": [], "migration__locks": []}
    found = rows(snapshot(**empty))
    assert found["migration.files"].value == "none"
    assert "migration.drops" not in found
    assert "migration.drops" in rows(snapshot(**empty), used=["migration.drops"])


def test_an_endless_value_is_cut_and_says_how_long_it_is():
    found = rows(snapshot(git__subject="x" * 8000))
    assert found["git.subject"].value == f"{'x' * 400}… (8000 characters)"


def test_a_fact_of_a_family_is_called_by_its_own_name():
    assert rows(snapshot(metric__error_rate=0.5))["metric.error_rate"].label == "Error rate"


def test_what_runs_there_stands_with_its_time_and_the_last_outcome_with_its_week():
    found = rows(
        snapshot(
            history__running_commit="a" * 40,
            history__running_since_s=5400,
            history__last_outcome="failed",
            history__deploys_7d=3,
            history__failures_7d=1,
            history__deploys_30d=9,
            history__failure_rate_30d=0.25,
            history__restore_time_s=600,
            history__lead_time_s=unknown("nothing was measured", "absent"),
        )
    )
    assert found["history.running_commit"].more == "for 1 h 30"
    last = found["history.last_outcome"]
    assert (last.more, last.status) == ("3 permits in 7 days, 1 failed", "look")
    assert found["history.deploys_30d"].more == "25 % failed · restored in 10 min"
    assert len(found) == 3
