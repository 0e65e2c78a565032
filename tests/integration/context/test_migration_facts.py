"""The migrations among the files of a change, read from real repositories."""

import os

import pytest

from approvals.context import migrations
from policies.language.facts import Unknown

DROP = b"ALTER TABLE orders DROP COLUMN total;\n"
KINDS = ("files", "drops", "locks", "unreadable")


@pytest.fixture
def told(facts_of):
    """What the migrations of a commit do."""

    def read(commit, **more):
        facts = facts_of(commit, **more)
        return {kind: facts[f"migration.{kind}"] for kind in KINDS}

    return read


def test_changed_migrations_are_read_as_the_commit_has_them(repo, told):
    old = repo.commit({"migrations/1.sql": DROP, "a.txt": b"1"})
    tip = repo.commit(
        {
            "migrations/2.sql": b"CREATE INDEX by_day ON orders (day);",
            "db/migrate/3_a.rb": b"drop_table :orders\n",
            "shop/views.py": b"drop_table()\n",
        }
    )
    repo.commit({"migrations/2.sql": DROP}, "Later")
    assert told(tip, running=old) == {
        "files": ("db/migrate/3_a.rb", "migrations/2.sql"),
        "drops": ("db/migrate/3_a.rb: drop_table :orders",),
        "locks": ("migrations/2.sql: CREATE INDEX by_day ON orders (day)",),
        "unreadable": (),
    }


def test_without_a_changed_migration_all_is_known_to_be_empty(repo, told):
    old = repo.commit({"migrations/1.sql": DROP})
    tip = repo.commit({"a.txt": b"1"})
    assert told(tip, running=old) == dict.fromkeys(KINDS, ())


def test_at_the_first_deployment_every_migration_counts(repo, told):
    tip = repo.commit({"migrations/1.sql": DROP})
    assert told(tip)["drops"] == ("migrations/1.sql: ALTER TABLE orders DROP COLUMN total",)


def test_a_deleted_migration_is_named(repo, told):
    old = repo.commit({"migrations/1.sql": DROP})
    tip = repo.commit({"migrations/1.sql": None})
    found = told(tip, running=old)
    assert (found["files"], found["drops"], found["unreadable"]) == (("migrations/1.sql",), (), ())


def test_a_commit_that_is_not_there_has_unknown_migrations(repo, facts_of):
    repo.commit({"migrations/1.sql": DROP})
    facts = facts_of("d" * 40)
    assert all(isinstance(facts[f"migration.{kind}"], Unknown) for kind in KINDS)


def test_links_are_not_followed(repo, told):
    old = repo.commit({"a.txt": b"1", "real/1.sql": DROP})
    (repo.folder / "db").mkdir()
    (repo.folder / "db/migrations").symlink_to("../real")
    (repo.folder / "shop/migrations").mkdir(parents=True)
    (repo.folder / "shop/migrations/1.sql").symlink_to("../../real/1.sql")
    found = told(repo.commit({}), running=old)
    assert found["unreadable"] == (
        "db/migrations: no plain file",
        "shop/migrations/1.sql: no plain file",
    )


@pytest.mark.parametrize(
    "name", ["--help.sql", ":(glob)*.sql", "two\nlines.sql", "a b.sql", "é.sql"]
)
def test_any_name_is_read(repo, told, name):
    old = repo.commit({"a.txt": b"1"})
    found = told(repo.commit({f"migrations/{name}": DROP}), running=old)
    assert len(found["drops"]) == 1
    assert found["unreadable"] == ()


def test_a_name_that_is_no_text_is_unreadable(repo, told):
    old = repo.commit({"a.txt": b"1", "migrations/1.sql": b"SELECT 1"})
    (repo.folder / "migrations" / os.fsdecode(b"\xff.sql")).write_bytes(DROP)
    (sentence,) = told(repo.commit({}), running=old)["unreadable"]
    assert sentence.endswith("its name is not UTF-8")


def test_more_files_than_one_command_takes_are_all_read(repo, told, monkeypatch):
    monkeypatch.setattr("portal.kernel.git_files.MOST_PATHS", 2)
    monkeypatch.setattr(migrations, "LARGEST", len(DROP))
    files = {f"migrations/{number}.sql": DROP for number in range(5)}
    found = told(repo.commit({**files, "migrations/5.sql": DROP + b"--"}))
    assert len(found["drops"]) == 5
    assert found["unreadable"] == (f"migrations/5.sql: more than {len(DROP)} bytes",)
