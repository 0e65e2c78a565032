"""Policy files of a real git repository become drafts, each traceable to its commit."""

import json
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from approvals.lifecycle.receipt import ensure_signing_key
from approvals.models import Request
from approvals.permissions import why_not
from approvals.tasks import sweep
from policies.models import Policy, PolicyVersion
from policies.publishing import publish_version, save_version
from policies.sources import sync
from policies.sources.configure import change_source, create_source, remove_source
from policies.sources.models import Origin, PolicySource
from policies.sources.queries import new_versions
from policies.sources.sync import LeaseLost, due_sources, sync_source
from portal.access import grant_role, revoke_role
from portal.directory.groups import add_member, create_group
from portal.kernel.clock import now
from portal.kernel.due import take
from portal.kernel.errors import Conflict, Forbidden, Invalid
from tests.integration.company import entries
from tests.integration.context.repositories import Repo
from tests.integration.pages import as_, text
from tests.integration.policies.documents import document

SHOP, BANK = document().encode(), document(name="bank", projects="bank").encode()
BROKEN = document().replace("rules:", "ruels:").encode()
REFUSED = document(groups="nobody").encode()


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    """Mirrors of this test only, and repositories that may be read."""
    settings.HOME = tmp_path / "home"
    settings.GIT_ROOTS = [tmp_path]


@pytest.fixture
def repo(tmp_path):
    return Repo(tmp_path / "served")


@pytest.fixture
def source(company, repo):
    repo.commit({"policies/shop.yaml": SHOP, "README.md": b"policy: none\n"}, "Begin")
    return create_source(by=company.ada, repository=str(repo.folder), folder="policies")


def read(source):
    """One reading, as if its time had come; the row afterwards."""
    PolicySource.objects.filter(pk=source.pk).update(next_try=now() - timedelta(seconds=1))
    assert sync_source(source.pk)
    source.refresh_from_db()
    return source


def versions(name="shop"):
    return list(PolicyVersion.objects.filter(policy__name=name).order_by("number"))


def places(source):
    return [(p["path"], p["line"], p["column"]) for p in source.problems]


def test_a_file_becomes_a_draft_that_names_its_commit(company, repo, source):
    made = repo.git("rev-parse", "HEAD")
    repo.commit({"README.md": b"later\n"}, "Nothing about policies")
    read(source)
    (version,) = versions()
    assert (version.text.encode(), version.author, version.policy.in_force) == (
        SHOP,
        company.ada,
        None,
    )
    assert version.note == f"{made} Begin"
    assert (version.origin.commit, version.origin.path) == (made, "policies/shop.yaml")
    assert version.origin.writers == ["dev@example.com", "merger@example.com"]
    assert (source.commit, source.problems, source.error) == (repo.git("rev-parse", "HEAD"), [], "")
    assert len(entries("policy.drafted")) == len(entries("policy_source.synced")) == 1
    page = text(as_(company.ada).get(reverse("policy-version", args=[version.policy_id, 1])))
    assert f"policies/shop.yaml commit {made}" in page


def test_reading_twice_is_reading_once(repo, source):
    for _ in range(3):
        read(source)
    assert len(versions()) == 1
    assert len(entries("policy_source.synced")) == 1


def test_what_differs_is_the_next_version_and_going_back_is_one_too(repo, source):
    read(source)
    changed = document(count=2).encode()
    for content in (changed, SHOP):
        repo.commit({"policies/shop.yaml": content})
        read(source)
    assert [v.text.encode() for v in versions()] == [SHOP, changed, SHOP]
    assert len({v.origin.commit for v in versions()}) == 3


def test_a_version_written_by_hand_is_not_overwritten_by_the_same_old_file(company, repo, source):
    read(source)
    save_version(by=company.ada, policy=Policy.objects.get(), text=document(count=2))
    repo.commit({"README.md": b"later\n"})
    read(source)
    assert len(versions()) == 2
    repo.commit({"policies/shop.yaml": document(count=2).encode()})
    assert read(source).error == ""
    assert len(versions()) == 2, "somebody saved the very same by hand"


def test_problems_are_told_by_file_and_place_and_do_not_stop_the_others(company, repo, source):
    repo.commit({"policies/bank.yaml": BANK, "policies/shop.yaml": BROKEN,
                 "policies/x.yaml": b"a: \xff\n", "policies/y.yaml": REFUSED})  # fmt: skip
    read(source)
    assert len(versions("bank")) == 1
    assert places(source)[0] == ("policies/shop.yaml", 4, 1)
    assert ("policies/x.yaml", 1, 4) in places(source)
    assert any("nobody" in p["message"] for p in source.problems)
    page = text(as_(company.ada).get(reverse("policy-source", args=[source.pk])))
    assert "policies/shop.yaml:4:1" in page
    create_group_of(company)
    read(source)
    assert len(versions()) == 1, "looked at again, although no commit is new"


def create_group_of(company):
    add_member(
        by=company.ada, group=create_group(by=company.ada, name="nobody"), person=company.vera
    )


def test_two_files_of_one_policy_are_a_problem(repo, source):
    repo.commit({"policies/z.yaml": document(count=2).encode()})
    read(source)
    assert len(versions()) == 1
    assert places(source) == [("policies/z.yaml", 1, 1)]
    assert "policies/shop.yaml" in source.problems[0]["message"]


def test_a_file_that_disappeared_is_told_and_nothing_is_retired(company, repo, source):
    read(source)
    pam = company.person("pam")
    grant_role(by=company.ada, to=pam, role="policy-publisher", target=company.organisation)
    publish_version(by=pam, version=versions()[0])
    repo.commit({"policies/shop.yaml": None, "policies/bank.yaml": BANK})
    read(source)
    assert source.gone == [{"policy": "shop", "path": "policies/shop.yaml"}]
    assert Policy.objects.get(name="shop").in_force is not None
    page = text(as_(company.ada).get(reverse("policy-source", args=[source.pk])))
    assert "In no file any more" in page
    repo.commit({"policies/moved.yaml": SHOP})
    assert read(source).gone == []
    assert len(versions()) == 1


def test_only_plain_files_of_this_folder_and_branch_are_read(repo, source, tmp_path):
    secret = tmp_path / "secret.yaml"
    secret.write_bytes(document(name="secret").encode())
    folder = repo.folder / "policies"
    (folder / "link.yaml").symlink_to(secret)
    (folder / "sub").mkdir()
    (folder / "sub" / "deep.yaml").write_bytes(document(name="deep").encode())
    (folder / "folder.yaml").mkdir()
    (folder / "folder.yaml" / "a").write_bytes(b"a")
    repo.commit({"policies/a\x1bb.yaml": SHOP, "policies/big.yaml": b"#" * 65_537})
    repo.git("checkout", "-q", "-b", "other")
    repo.commit({"policies/other.yaml": document(name="other").encode()})
    repo.git("tag", "v1")
    repo.git("checkout", "-q", "main")
    read(source)
    assert set(Policy.objects.values_list("name", flat=True)) == {"shop"}
    said = {p["path"]: p["message"] for p in source.problems}
    assert "links are not followed" in said["policies/link.yaml"]
    assert "no plain file" in said["policies/folder.yaml"]
    assert "64 KiB" in said["policies/big.yaml"]
    assert "characters" in said["policies/a⟨U+001B⟩b.yaml"]
    (mirror,) = (tmp_path / "home" / "git").glob("*.git")
    refs = repo.git("--git-dir", str(mirror), "for-each-ref", "--format=%(refname)")
    assert refs == "refs/heads/main"


def test_a_folder_that_is_a_link_is_no_folder(company, repo, source):
    (repo.folder / "linked").symlink_to("policies")
    repo.commit({})
    source = change_source(by=company.ada, source=source, folder="linked")
    assert "no folder “linked”" in read(source).error
    assert not Policy.objects.exists()


def test_too_many_files_are_refused_as_a_whole(repo, source, monkeypatch):
    monkeypatch.setattr("policies.sources.read.MAX_FILES", 1)
    repo.commit({"policies/bank.yaml": BANK})
    assert "at most 1 are read" in read(source).error
    assert not Policy.objects.exists()


def test_a_repository_that_is_away_is_asked_again_later_and_later(company, repo, source):
    read(source)
    repo.folder.rename(repo.folder.with_name("away"))
    pauses = []
    for _ in range(3):
        read(source)
        pauses.append(source.next_try - now())
    assert "could not be read" in source.error
    assert pauses[0] < pauses[1] < pauses[2]
    assert len(entries("policy_source.failed")) == 1, "told once, not at each try"
    page = text(as_(company.ada).get(reverse("policy-sources")))
    assert "Cannot be read" in page
    repo.folder.with_name("away").rename(repo.folder)
    read(source)
    assert (source.error, source.failing_since) == ("", None)
    assert len(versions()) == 1


def test_a_branch_that_is_missing_is_told(company, repo, source):
    source = change_source(by=company.ada, source=source, branch="release")
    assert "does not have this branch" in read(source).error


def test_killed_in_between_the_next_sweep_goes_on(repo, source, monkeypatch):
    repo.commit({"policies/bank.yaml": BANK})
    real = sync._keep

    def killed_before_shop(taken, file, named):
        if file.path.endswith("shop.yaml"):
            raise KeyboardInterrupt
        return real(taken, file, named)

    with monkeypatch.context() as patched:
        patched.setattr(sync, "_keep", killed_before_shop)
        with pytest.raises(KeyboardInterrupt):
            sync_source(source.pk)
    assert (len(versions("bank")), len(versions())) == (1, 0)
    assert due_sources() == [], "the lease holds"
    read(source)
    assert (len(versions("bank")), len(versions())) == (1, 1)
    assert source.commit == repo.git("rev-parse", "HEAD")


def test_who_lost_the_lease_saves_nothing(repo, source):
    taken = take(PolicySource.objects.filter(pk=source.pk), sync.LEASE)
    PolicySource.objects.update(next_try=now() - timedelta(seconds=1))
    assert take(PolicySource.objects.filter(pk=source.pk), sync.LEASE) is not None
    reading = sync.read_source_files(taken, {})
    with pytest.raises(LeaseLost):
        sync._keep(taken, reading.files[0], {})
    assert not Policy.objects.exists()
    assert not sync_source(source.pk), "not due"


def test_a_source_removed_meanwhile_is_left_alone(company, repo, source):
    taken = take(PolicySource.objects.filter(pk=source.pk), sync.LEASE)
    remove_source(by=company.ada, source=source)
    with pytest.raises(LeaseLost):
        sync._finish(taken, sync.Reading("x", None), [], [])
    assert due_sources() == []
    with pytest.raises(Conflict):
        change_source(by=company.ada, source=source, branch="x")
    assert len(entries("policy_source.removed")) == 1


def test_without_the_right_of_who_configured_it_nothing_is_drafted(company, repo, source):
    grant_role(by=company.ada, to=company.max, role="administrator", target=company.organisation)
    source = change_source(by=company.max, source=source, folder="policies")
    assert source.configured_by == company.max
    revoke_role(by=company.ada, to=company.max, role="administrator", target=company.organisation)
    assert "may not draft policies any more" in read(source).error
    assert not Policy.objects.exists()


def test_only_administrators_configure_and_only_what_may_be_read(company, repo, source):
    for person in (company.max, company.vera):
        with pytest.raises(Forbidden):
            create_source(by=person, repository=str(repo.folder))
        with pytest.raises(Forbidden):
            remove_source(by=person, source=source)
    with pytest.raises(Conflict):
        create_source(by=company.ada, repository=str(repo.folder), folder="policies/")
    bad = [("ext::sh -c x", "main", ""), ("/etc", "main", ""), ("", "main", ""),
           (str(repo.folder), "--upload-pack=x", ""), (str(repo.folder), "main", "../up"),
           (str(repo.folder), "main", "a/./b"), (str(repo.folder), "main", ":(glob)*")]  # fmt: skip
    for repository, branch, folder in bad:
        with pytest.raises(Invalid):
            create_source(by=company.ada, repository=repository, branch=branch, folder=folder)
    payload = json.loads(entries("policy_source.created")[0])
    assert payload["change"]["after"]["folder"] == "policies"


def test_an_origin_never_changes(repo, source):
    read(source)
    with pytest.raises(DatabaseError), transaction.atomic():
        Origin.objects.update(commit="0" * 40)


def test_the_sweep_finds_what_is_due(source, monkeypatch):
    asked = []
    monkeypatch.setattr("approvals.tasks.publish", lambda *call: asked.append(call))
    sweep()
    assert ("approvals.sync_source", str(source.pk)) in asked


@pytest.fixture
def publishers(company):
    """Pam and Dev may decide; Dev wrote the files."""
    ensure_signing_key()
    group = create_group(by=company.ada, name="policy-publishers")
    for name in ("pam", "dev"):
        person = company.person(name)
        person.email = f"{name}@example.com"
        person.save()
        grant_role(by=company.ada, to=person, role="policy-publisher", target=company.organisation)
        add_member(by=company.ada, group=group, person=person)
        setattr(company, name, person)
    return company


def test_what_is_new_is_asked_for_once_and_its_writers_do_not_decide(publishers, repo, source):
    repo.commit({"policies/bank.yaml": BANK}, GIT_AUTHOR_EMAIL="pam@example.com")
    read(source)
    assert [v.policy.name for v in new_versions(source)] == ["bank", "shop"]
    ada = as_(publishers.ada)
    page = reverse("policy-source", args=[source.pk])
    assert "Ask to publish what is new" in text(ada.get(page))
    address = reverse("policy-source-publish", args=[source.pk])
    assert "Asked for 2 policies." in text(ada.post(address, follow=True))
    assert "still open" in text(ada.post(address, follow=True))
    bank, shop = Request.objects.order_by("policy_version__policy__name")
    assert (bank.status, shop.status) == ("pending", "pending")
    assert why_not(publishers.pam, "decide", shop) is None
    assert "you wrote part of the change" in why_not(publishers.dev, "decide", shop).sentence
    assert "you wrote part of the change" in why_not(publishers.pam, "decide", bank).sentence


def test_what_nobody_looked_at_is_not_asked_for_and_the_page_says_so(
    publishers, repo, source, monkeypatch
):
    read(source)
    monkeypatch.setattr("approvals.lifecycle.propose.backtest_seen", lambda version: False)
    address = reverse("policy-source-publish", args=[source.pk])
    page = text(as_(publishers.ada).post(address, follow=True))
    assert "shop v1: Nobody has read a backtest of this version." in page
    assert not Request.objects.exists()


def test_who_wrote_an_earlier_draft_wrote_part_of_the_later_one(publishers, repo, source):
    read(source)
    eve = {f"GIT_{who}_EMAIL": "eve@example.com" for who in ("AUTHOR", "COMMITTER")}
    repo.commit({"policies/shop.yaml": document(count=2).encode()}, **eve)
    read(source)
    assert versions()[1].origin.writers == ["eve@example.com"]
    as_(publishers.ada).post(reverse("policy-source-publish", args=[source.pk]))
    request = Request.objects.get()
    assert request.policy_version == versions()[1]
    assert "you wrote part" in why_not(publishers.dev, "decide", request).sentence


def test_a_commit_that_names_nobody_becomes_no_draft(repo, source):
    repo.commit({"policies/shop.yaml": document(count=2).encode()}, GIT_AUTHOR_EMAIL=" ")
    read(source)
    assert not versions()
    assert "names no address" in source.problems[0]["message"]


def test_an_administrator_adds_changes_and_removes_a_source_on_pages(company, repo):
    repo.commit({"shop.yaml": SHOP})
    ada = as_(company.ada)
    assert "From files" in text(ada.get(reverse("policies")))
    assert "From files" not in text(as_(company.max).get(reverse("policies")))
    posted = {"repository": str(repo.folder), "branch": "main", "folder": ""}
    page = text(ada.post(reverse("policy-source-new"), posted, follow=True))
    assert "Not read yet" in page
    source = PolicySource.objects.get()
    assert "source already" in text(ada.post(reverse("policy-source-new"), posted))
    read(source)
    edit = reverse("policy-source-edit", args=[source.pk])
    refused = ada.post(edit, {**posted, "repository": "file:///etc"})
    assert refused.status_code == 422
    assert "Saved." in text(ada.post(edit, {**posted, "branch": "next"}, follow=True))
    ada.post(reverse("policy-source-remove", args=[source.pk]))
    assert "No source yet" in text(ada.get(reverse("policy-sources")))
    assert ada.get(reverse("policy-source", args=[source.pk])).status_code == 404
    assert len(versions()) == 1
