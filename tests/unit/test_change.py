"""The change as the page lists it: what policy names first, then risky places, then the rest."""

from datetime import UTC, datetime

import pytest

from approvals.queries.change import change_of
from approvals.queries.risky import PLACES, named_paths, place_of
from policies.language.facts import Facts, Known, Unknown
from policies.language.globs import glob_problem

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def facts(**values):
    states = {
        f"git.{name}": value
        if isinstance(value, Unknown)
        else Known(tuple(value), "git", AT, "attested")
        for name, value in values.items()
    }
    return Facts(states)


def rule(condition, name="dba", named=()):
    definitions = [{"condition": text} for text in named]
    return {"policy": "shop", "rule": name, "condition": condition, "named": definitions}


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("migrations/0042_price.sql", "migration"),
        ("shop/orders/migrations/0001_initial.py", "migration"),
        ("infra/eu/main.tf", "infrastructure"),
        ("Dockerfile", "infrastructure"),
        ("deploy/k8s/web.yaml", "infrastructure"),
        (".github/workflows/deploy.yml", "pipeline"),
        (".gitlab-ci.yml", "pipeline"),
        ("services/api/Jenkinsfile", "pipeline"),
        ("poetry.lock", "dependencies"),
        ("web/package-lock.json", "dependencies"),
        ("requirements-dev.txt", "dependencies"),
        ("shop/prices.py", ""),
        ("docs/migrations.md", ""),
    ],
)
def test_risky_places_are_known_by_their_paths(path, place):
    assert place_of(path) == place


def test_every_glob_of_the_list_is_one():
    assert [glob for globs in PLACES.values() for glob in globs if glob_problem(glob)] == []


@pytest.mark.parametrize(
    ("condition", "path", "other"),
    [
        ("matches_path(git.paths, 'billing/**')", "billing/a/b.py", "shop/billing.py"),
        ('git.paths.exists(p, matches_path(p, "**/*.pem"))', "keys/a.pem", "a.pem.txt"),
        ("git.paths.exists(p, p.startsWith('legal/'))", "legal/terms.md", "x/legal/terms.md"),
        ("git.paths.exists(p, p.endsWith('.proto'))", "api/v1.proto", "api/proto.py"),
        ("'VERSION' in git.paths", "VERSION", "VERSION.txt"),
    ],
)
def test_paths_that_a_rule_names_are_read_from_its_condition(condition, path, other):
    (named,) = named_paths([rule(condition)])
    assert (named.fits(path), named.fits(other), named.rule) == (True, False, "shop/dba")
    (named,) = named_paths([rule("risky", named=[condition])])
    assert named.fits(path)


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "true",
        "matches_path(git.paths, '[')",
        "request.ref.startsWith('refs/')",
        "'x' in labels",
    ],
)
def test_what_is_not_about_paths_names_none(condition):
    assert named_paths([rule(condition)]) == []


def test_what_policy_names_comes_first_then_risky_places_then_the_larger_change():
    stat = ["1 0 a.py", "9 9 b c.py", "5 0 poetry.lock", "1 1 billing/x.py"]
    found = change_of(facts(stat=stat), [rule("matches_path(git.paths, 'billing/**')")])
    assert [(file.path, file.why, file.added, file.removed) for file in found.files] == [
        ("billing/x.py", "rule", 1, 1),
        ("poetry.lock", "dependencies", 5, 0),
        ("b c.py", "", 9, 9),
        ("a.py", "", 1, 0),
    ]
    assert (found.files[0].rule, found.risky, found.count) == ("shop/dba", 2, 4)


def test_all_risky_files_stand_open_and_nothing_is_left_out():
    stat = [f"1 0 m/migrations/{n}.py" for n in range(12)] + [f"1 0 {n}.py" for n in range(30)]
    found = change_of(facts(stat=stat), [])
    assert (len(found.files), len(found.more_files), found.risky) == (12, 30, 12)


def test_paths_without_sizes_are_better_than_no_list():
    many = Unknown("more than 500 files differ", "absent")
    found = change_of(facts(stat=many, paths=["a.py"]), [])
    assert [(file.path, file.added) for file in found.files] == [("a.py", None)]
    assert found.no_files == ""


def test_commits_are_told_apart_by_people():
    log = ["1111 ana@x.org One two", "2222 ben@x.org Three", "3333 ana@x.org ", "broken"]
    found = change_of(facts(commits=log, stat=[]), [])
    assert [(one.id, one.author, one.subject) for one in found.commits] == [
        ("1111", "ana@x.org", "One two"),
        ("2222", "ben@x.org", "Three"),
        ("3333", "ana@x.org", ""),
    ]
    assert (found.commit_count, found.people) == (3, 2)


def test_what_is_not_known_says_why():
    pending, absent = Unknown("being read", "pending"), Unknown("too many", "absent")
    assert change_of(facts(stat=pending, paths=pending, commits=pending), []).state == "reading"
    assert change_of(facts(stat=absent, commits=absent), []) is None
    assert change_of(facts(), []) is None
    assert change_of(facts(stat=["1 0 a"], commits=absent), []).no_commits == "too many"
