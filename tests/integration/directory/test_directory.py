"""Services of the directory: who may, what is recorded, what never changes."""

import pytest

from portal.access import grant_role
from portal.directory.environments import (
    archive_environment,
    change_environment,
    create_environment,
    restore_environment,
)
from portal.directory.groups import add_member, change_group, create_group, remove_member
from portal.directory.models import ApproverGroup, Environment, Membership, Project
from portal.directory.projects import (
    archive_project,
    change_project,
    create_project,
    restore_project,
)
from portal.directory.queries import known_groups, visible_projects
from portal.directory.repository import branch_problem, repository_problem
from portal.kernel.errors import Conflict, Forbidden, Invalid
from portal.ledger.models import Entry
from tests.integration.company import entries, last_entry


@pytest.mark.parametrize("name", ["max", "vera", "gus", "olga"])
def test_only_administrators_add_projects_and_groups(company, name):
    by = getattr(company, name)
    with pytest.raises(Forbidden):
        create_project(by=by, slug="web", name="Web")
    with pytest.raises(Forbidden):
        create_group(by=by, name="dba")
    with pytest.raises(Forbidden):
        archive_project(by=by, project=company.shop)
    assert create_project(by=company.ada, slug="web", name="Web")
    assert create_group(by=company.ada, name="dba")


@pytest.mark.parametrize("name", ["vera", "gus", "olga"])
def test_only_maintainers_change_a_project_and_its_environments(company, name):
    by = getattr(company, name)
    with pytest.raises(Forbidden):
        change_project(by=by, project=company.shop, name="X")
    with pytest.raises(Forbidden):
        create_environment(by=by, project=company.shop, name="x", tier="staging")
    with pytest.raises(Forbidden):
        change_environment(by=by, environment=company.production, description="X")
    with pytest.raises(Forbidden):
        archive_environment(by=by, environment=company.production)
    change_project(by=company.max, project=company.shop, name="X")
    create_environment(by=company.max, project=company.shop, name="x", tier="staging")


def test_a_maintainer_of_one_project_changes_no_other(company):
    with pytest.raises(Forbidden):
        change_project(by=company.max, project=company.bank, name="X")


def test_a_change_is_recorded_with_before_and_after(company):
    change_project(by=company.ada, project=company.shop, branch="trunk", name="Shop")
    entry = last_entry("project.changed")
    assert '"change":{"after":{"branch":"trunk"},"before":{"branch":"main"}}' in entry
    assert str(company.ada.actor_ref) in entry


def test_nothing_moved_nothing_recorded(company):
    before = Entry.objects.count()
    change_project(by=company.max, project=company.shop, name="Shop")
    change_environment(by=company.max, environment=company.production, tier="production")
    change_group(by=company.gus, group=company.leads, description="")
    archive_environment(by=company.max, environment=company.production)
    archive_environment(by=company.max, environment=company.production)
    assert Entry.objects.count() == before + 1


def test_descriptions_enter_the_ledger_as_digests_only(company):
    change_project(by=company.max, project=company.shop, description="Ask Ada Lovelace")
    assert "Lovelace" not in last_entry("project.changed")
    assert "sha256:" in last_entry("project.changed")


@pytest.mark.parametrize("field", ["slug", "archived_at", "id", "created_at"])
def test_what_policies_match_on_never_changes(company, field):
    with pytest.raises(Invalid):
        change_project(by=company.ada, project=company.shop, **{field: "other"})


def test_the_tier_needs_an_administrator(company):
    with pytest.raises(Forbidden):
        change_environment(by=company.max, environment=company.production, tier="testing")
    change_environment(by=company.ada, environment=company.production, tier="testing")
    assert Environment.objects.get(pk=company.production.pk).tier == "testing"


def test_an_archived_project_takes_no_changes_until_restored(company):
    archive_project(by=company.ada, project=company.shop)
    with pytest.raises(Conflict):
        change_project(by=company.max, project=company.shop, name="X")
    company.shop.refresh_from_db()
    with pytest.raises(Conflict):
        create_environment(by=company.max, project=company.shop, name="x", tier="staging")
    for act in (archive_environment, restore_environment, _describe):
        with pytest.raises(Conflict, match="Restore it first"):
            act(by=company.max, environment=company.production)
    restore_project(by=company.ada, project=company.shop)
    change_project(by=company.max, project=company.shop, name="X")
    _describe(by=company.max, environment=company.production)
    archive_environment(by=company.max, environment=company.production)


def _describe(**who):
    return change_environment(**who, description="Where customers are")


def test_an_environment_is_archived_and_restored(company):
    archive_environment(by=company.max, environment=company.production)
    restored = restore_environment(by=company.max, environment=company.production)
    assert restored.archived_at is None
    assert len(entries("environment.changed")) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"slug": "Shop"}, {"slug": "-shop"}, {"slug": ""}, {"slug": "a" * 101}, {"slug": "a\n"},
        {"name": ""}, {"name": "a\0"}, {"name": "\ud800"}, {"name": "x" * 151},
        {"description": "x" * 2001}, {"description": "a\x1b[31m"}, {"forge_id": 2**70},
        {"forge_id": 0}, {"forge_id": -1}, {"slug": "a//b"}, {"slug": "a/./b"}, {"slug": "a/../b"},
        {"slug": "a/b/../c"},
        {"repository": "ext::sh -c id"}, {"branch": "--upload-pack=x"},
    ],
)  # fmt: skip
def test_bad_fields_are_refused_before_anything_is_written(company, fields):
    good = {"slug": "team.x/web-1/..dots", "name": "Web", "forge_id": 1}
    with pytest.raises(Invalid) as refusal:
        create_project(by=company.ada, **(good | fields))
    assert refusal.value.extra["errors"][0]["field"] in fields
    assert not Project.objects.filter(name="Web").exists()
    assert create_project(by=company.ada, **good)


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example.com/group/shop.git",
        "https://git.example.com:8443/~ana/shop",
        "ssh://git@git.example.com/group/shop.git",
        "ssh://git.example.com:2222/shop.git",
        "",
    ],
)
def test_addresses_that_git_may_fetch(address):
    assert repository_problem(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c id", "ext::sh", "file:///etc", "http://git.example.com/x",
        "git://git.example.com/x", "git@git.example.com:x.git", "-oProxyCommand=id", "../shop",
        "https://", "https:///x", "https://git.example.com", "https://git.example.com/",
        "https://me:secret@git.example.com/x", "https://me@git.example.com/x",
        "ssh://-oProxyCommand=id/x", "ssh://git@-oProxyCommand=id/x", "ssh://-l@host/x",
        "ssh://git:pw@host/x", "https://git.example.com/x?y=1", "https://git.example.com/x#y",
        "https://git.example.com/a b", "https://git.example.com/a\nb", "https://git.example.com/\0",
        "https://[::1/x", "https://host:99999/x", "HTTPS://git.example.com/x", "fd::17",
        "https://host/$(id)", "https://host/`id`", "https://host/;id", "https://gıt.example.com/x",
    ],
)  # fmt: skip
def test_addresses_that_could_run_or_leak_something_are_refused(address):
    assert repository_problem(address)


def test_a_folder_must_really_stand_inside_a_root(settings, tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root / "shop", outside / "shop"):
        folder.mkdir(parents=True)
    (root / "link").symlink_to(outside / "shop")
    settings.GIT_ROOTS = [root]
    assert repository_problem(str(root / "shop")) is None
    for folder in (outside / "shop", root / "link", root / ".." / "outside" / "shop",
                   root / "missing", "/", f"{root}2"):  # fmt: skip
        assert repository_problem(str(folder))
    settings.GIT_ROOTS = []
    assert repository_problem(str(root / "shop"))


@pytest.mark.parametrize(
    ("branch", "good"),
    [
        ("main", True), ("release/4.18", True), ("feature_x-1", True),
        ("-x", False), ("a..b", False), ("a b", False), ("a~1", False), ("a^", False),
        ("a:b", False), ("/a", False), ("a/", False), ("a.lock", False), ("a@{1}", False),
        ("a//b", False), ("", False), ("a\n", False), ("é", False),
    ],
)  # fmt: skip
def test_branch_names(branch, good):
    assert (branch_problem(branch) is None) == good


def test_nobody_adds_themselves_to_a_group(company):
    """ATTACKS C9: managing a group is not being in it."""
    for by in (company.gus, company.ada):
        with pytest.raises(Forbidden) as refusal:
            add_member(by=by, group=company.leads, person=by)
        assert refusal.value.code == "own-membership"
    add_member(by=company.ada, group=company.leads, person=company.gus)
    assert str(company.gus.actor_ref) in last_entry("member.added")


@pytest.mark.parametrize("name", ["max", "vera", "olga"])
def test_only_managers_change_members(company, name):
    by = getattr(company, name)
    person = company.person("nina")
    with pytest.raises(Forbidden):
        add_member(by=by, group=company.leads, person=person)
    with pytest.raises(Forbidden):
        change_group(by=by, group=company.leads, description="X")
    add_member(by=company.gus, group=company.leads, person=person)
    with pytest.raises(Forbidden):
        remove_member(by=by, group=company.leads, person=person)


def test_a_manager_of_one_group_manages_no_other(company):
    other = create_group(by=company.ada, name="dba")
    with pytest.raises(Forbidden):
        add_member(by=company.gus, group=other, person=company.olga)


def test_adding_and_removing_twice_is_recorded_once(company):
    for _ in range(2):
        add_member(by=company.gus, group=company.leads, person=company.olga)
    for _ in range(2):
        remove_member(by=company.gus, group=company.leads, person=company.olga)
    assert sum(str(company.olga.actor_ref) in e for e in entries("member.added")) == 1
    assert len(entries("member.removed")) == 1


def test_a_deactivated_person_cannot_join(company):
    company.olga.is_active = False
    company.olga.save(update_fields=["is_active"])
    with pytest.raises(Conflict):
        add_member(by=company.gus, group=company.leads, person=company.olga)
    assert not Membership.objects.filter(person=company.olga).exists()


def test_known_groups_counts_active_members(company):
    create_group(by=company.ada, name="empty")
    assert known_groups(["leads", "empty", "nowhere"]) == {"leads": 1, "empty": 0}
    assert ApproverGroup.objects.count() == 2


def test_visible_projects_follow_roles(company):
    def slugs(person):
        return set(visible_projects(person).values_list("slug", flat=True))

    assert slugs(company.ada) == {"shop", "bank"}
    assert slugs(company.vera) == slugs(company.max) == {"shop"}
    assert slugs(company.olga) == set()
    grant_role(by=company.ada, to=company.olga, role="viewer", target=company.production)
    assert slugs(company.olga) == {"shop"}
    company.olga.is_active = False
    assert slugs(company.olga) == set()


def test_a_superuser_flag_gives_nothing(company):
    company.olga.is_superuser = True
    company.olga.save(update_fields=["is_superuser"])
    assert not visible_projects(company.olga).exists()
    with pytest.raises(Forbidden):
        create_project(by=company.olga, slug="web", name="Web")


def test_what_a_directory_keeps_is_not_removed_without_saying_so(company):
    kept = company.leads.memberships.filter(person=company.vera)
    kept.update(source="scim:hr")
    with pytest.raises(Conflict, match=r"kept by: SCIM \(hr\)"):
        remove_member(by=company.gus, group=company.leads, person=company.vera)
    assert kept.exists()
    remove_member(by=company.gus, group=company.leads, person=company.vera, source="scim:hr")
    assert not kept.exists()


def test_a_page_that_showed_another_source_removes_nobody(company):
    with pytest.raises(Conflict, match="kept by: By hand"):
        remove_member(by=company.gus, group=company.leads, person=company.vera, source="oidc:1")
    assert company.leads.memberships.filter(person=company.vera).exists()
