"""Policy versions: saved by one person, brought into force by another."""

import pytest

from policies.models import Policy, PolicyVersion
from policies.publishing import (
    InvalidPolicy,
    create_policy,
    publish_version,
    retire_policy,
    save_version,
)
from policies.queries import (
    BrokenPolicy,
    group_names,
    load_policy_row,
    pinned_policies,
    policies_in_force,
    policy_rows,
)
from portal.access import grant_role
from portal.directory.groups import create_group, remove_member
from portal.kernel.canonical import sha256_digest
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from portal.kernel.ids import new_id
from tests.integration.company import entries, last_entry
from tests.integration.policies.documents import document


@pytest.fixture
def pub(company):
    """Max drafts for shop; Pam may publish for shop."""
    company.pam = company.person("pam")
    grant_role(by=company.ada, to=company.pam, role="policy-publisher", target=company.shop)
    return company


@pytest.fixture
def in_force(pub) -> PolicyVersion:
    version = create_policy(by=pub.max, text=document())
    publish_version(by=pub.pam, version=version)
    return version


def test_a_saved_version_is_not_in_force(pub):
    version = create_policy(by=pub.max, text=document(), note="First")
    assert (version.number, version.policy.name, version.author) == (1, "shop", pub.max)
    assert version.digest.startswith("sha256:")
    assert policies_in_force("shop", "production", "deploy") == []
    assert version.digest in last_entry("policy.drafted")


def test_somebody_else_brings_it_into_force(pub, in_force):
    (pinned,) = policies_in_force("shop", "production", "deploy")
    assert (pinned.id, pinned.version, pinned.digest) == (in_force.pk, 1, in_force.digest)
    policy = Policy.objects.get()
    assert policy.published_by == pub.pam
    assert in_force.digest in last_entry("policy.published")


def test_the_author_may_not_publish_whatever_rights_they_hold(pub):
    version = create_policy(by=pub.ada, text=document())
    grant_role(by=pub.ada, to=pub.max, role="administrator", target=pub.organisation)
    grant_role(by=pub.max, to=pub.ada, role="policy-publisher", target=pub.organisation)
    with pytest.raises(Forbidden) as refusal:
        publish_version(by=pub.ada, version=version)
    assert refusal.value.code == "own-version"
    publish_version(by=pub.pam, version=version)


def test_a_superuser_is_no_exception(pub):
    version = create_policy(by=pub.max, text=document())
    pub.olga.is_superuser = pub.max.is_superuser = True
    for person in (pub.olga, pub.max):
        person.save()
        with pytest.raises(Forbidden):
            publish_version(by=person, version=version)


@pytest.mark.parametrize("name", ["max", "vera", "gus", "olga", "ada"])
def test_publishing_needs_its_own_permission(pub, name):
    author = pub.person("author")
    grant_role(by=pub.ada, to=author, role="maintainer", target=pub.shop)
    version = create_policy(by=author, text=document())
    with pytest.raises(Forbidden) as refusal:
        publish_version(by=getattr(pub, name), version=version)
    assert refusal.value.code == "missing-permission"
    publish_version(by=pub.pam, version=version)


@pytest.mark.parametrize("name", ["vera", "gus", "olga", "pam"])
def test_drafting_needs_its_own_permission(pub, name):
    with pytest.raises(Forbidden):
        create_policy(by=getattr(pub, name), text=document())
    assert create_policy(by=pub.max, text=document())


@pytest.mark.parametrize("projects", ['"*"', '"**"', '"sho*"', "bank", "shop, bank", "nowhere"])
def test_a_project_right_reaches_no_other_project(pub, projects):
    with pytest.raises(Forbidden):
        create_policy(by=pub.max, text=document(projects=projects))
    wide = create_policy(by=pub.ada, text=document(projects=projects))
    with pytest.raises(Forbidden):
        publish_version(by=pub.pam, version=wide)
    assert create_policy(by=pub.max, text=document(name="narrow"))


def test_a_project_right_cannot_narrow_away_a_wide_policy(pub):
    wide = create_policy(by=pub.ada, text=document(projects='"*"'))
    grant_role(by=pub.ada, to=pub.gus, role="policy-publisher", target=pub.organisation)
    publish_version(by=pub.gus, version=wide)
    with pytest.raises(Forbidden):
        save_version(by=pub.max, policy=wide.policy, text=document())
    narrow = save_version(by=pub.ada, policy=wide.policy, text=document())
    with pytest.raises(Forbidden):
        publish_version(by=pub.pam, version=narrow)
    with pytest.raises(Forbidden):
        retire_policy(by=pub.pam, policy=wide.policy)
    publish_version(by=pub.gus, version=narrow)


def test_versions_are_numbered_and_older_ones_roll_back(pub, in_force):
    second = save_version(by=pub.max, policy=in_force.policy, text=document(count=2))
    assert second.number == 2
    publish_version(by=pub.pam, version=second)
    assert policies_in_force("shop", "production", "deploy")[0].version == 2
    publish_version(by=pub.pam, version=in_force)
    assert policies_in_force("shop", "production", "deploy")[0].version == 1


def test_saving_the_same_document_again_is_refused(pub, in_force):
    with pytest.raises(Conflict) as refusal:
        save_version(by=pub.max, policy=in_force.policy, text=document())
    assert refusal.value.code == "same-document"


def test_a_version_keeps_the_name_of_its_policy(pub, in_force):
    with pytest.raises(InvalidPolicy) as refusal:
        save_version(by=pub.max, policy=in_force.policy, text=document(name="other"))
    assert refusal.value.problems[0].line == 1
    with pytest.raises(InvalidPolicy, match="problems"):
        create_policy(by=pub.max, text=document(count=2))


def test_publishing_is_refused_when_something_else_came_into_force_meanwhile(pub, in_force):
    second = save_version(by=pub.max, policy=in_force.policy, text=document(count=2))
    third = save_version(by=pub.max, policy=in_force.policy, text=document(count=3))
    publish_version(by=pub.pam, version=second, instead_of=in_force.pk)
    with pytest.raises(Conflict) as refusal:
        publish_version(by=pub.pam, version=third, instead_of=in_force.pk)
    assert refusal.value.code == "policy-moved"
    publish_version(by=pub.pam, version=third, instead_of=second.pk)


def test_publishing_twice_is_recorded_once(pub, in_force):
    publish_version(by=pub.pam, version=in_force)
    assert len(entries("policy.published")) == 1


def test_problems_name_their_line_and_nothing_is_saved(pub):
    with pytest.raises(InvalidPolicy) as refusal:
        create_policy(by=pub.max, text=document().replace("rules:", "ruels:"))
    assert refusal.value.problems[0].line == 4
    assert not Policy.objects.exists()


def test_unknown_and_empty_groups_are_refused_at_their_line(pub):
    create_group(by=pub.ada, name="dba")
    with pytest.raises(InvalidPolicy) as refusal:
        create_policy(by=pub.max, text=document(groups="dba, nobody"))
    problems = {p.message: p.line for p in refusal.value.problems}
    assert len(problems) == 2
    assert set(problems.values()) == {7}


def test_a_group_that_was_emptied_meanwhile_stops_publishing(pub):
    version = create_policy(by=pub.max, text=document())
    remove_member(by=pub.gus, group=pub.leads, person=pub.vera)
    with pytest.raises(InvalidPolicy):
        publish_version(by=pub.pam, version=version)
    assert policies_in_force("shop", "production", "deploy") == []


def test_oversized_and_hostile_text_is_refused(pub):
    with pytest.raises(InvalidPolicy):
        create_policy(by=pub.max, text=document() + "#" * 200_000)
    for character in ("\0", "\x1b", "\ud800"):
        with pytest.raises((InvalidPolicy, Invalid)):
            create_policy(by=pub.max, text=document() + f"# {character}\n")
    assert not Policy.objects.exists()


def test_retiring_takes_it_out_of_force(pub, in_force):
    retire_policy(by=pub.pam, policy=in_force.policy)
    assert policies_in_force("shop", "production", "deploy") == []
    assert in_force.digest in last_entry("policy.retired")
    retire_policy(by=pub.pam, policy=in_force.policy)
    assert len(entries("policy.retired")) == 1
    assert [p.id for p in pinned_policies([in_force.pk])] == [in_force.pk]


def test_the_author_may_not_retire_it_either(pub, in_force):
    grant_role(by=pub.ada, to=pub.max, role="policy-publisher", target=pub.shop)
    with pytest.raises(Forbidden) as refusal:
        retire_policy(by=pub.max, policy=in_force.policy)
    assert refusal.value.code == "own-version"


def test_reading_what_is_in_force_is_one_query(pub, in_force, django_assert_num_queries):
    for _ in range(2):  # cold and warm
        with django_assert_num_queries(1):
            (pinned,) = policies_in_force("shop", "production", "deploy")
        with django_assert_num_queries(1):
            assert pinned_policies([in_force.pk]) == [pinned]
    assert group_names([pinned]) == {"leads"}


@pytest.mark.parametrize(
    "target",
    [("bank", "production", "deploy"), ("shop", "production", "migrate"), ("Shop", "x", "deploy")],
)
def test_other_targets_are_matched_by_nothing(in_force, target):
    assert policies_in_force("shop", "production", "deploy")
    assert policies_in_force(*target) == []


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (document(count=9), sha256_digest(document().encode())),
        ("policy: shop\n", sha256_digest(b"policy: shop\n")),
    ],
    ids=["changed behind our back", "not readable any more"],
)
def test_a_broken_version_in_force_stops_every_target(pub, in_force, text, digest):
    broken = PolicyVersion.objects.create(
        policy=in_force.policy, number=2, text=text, digest=digest, author=pub.max
    )
    assert policies_in_force("shop", "production", "deploy")
    Policy.objects.update(in_force=broken)
    for target in (("shop", "production", "deploy"), ("bank", "x", "deploy")):
        with pytest.raises(BrokenPolicy):
            policies_in_force(*target)
    with pytest.raises(BrokenPolicy):
        pinned_policies([broken.pk])
    assert policy_rows(pub.ada)[0].problem


def test_a_broken_version_in_force_can_be_replaced_by_who_may_everywhere(pub, in_force):
    broken = PolicyVersion.objects.create(
        policy=in_force.policy, number=2, text="x", digest="sha256:0", author=pub.max
    )
    Policy.objects.update(in_force=broken)
    grant_role(by=pub.ada, to=pub.olga, role="policy-publisher", target=pub.organisation)
    repaired = save_version(by=pub.ada, policy=in_force.policy, text=document(count=2))
    publish_version(by=pub.olga, version=repaired)
    assert policies_in_force("shop", "production", "deploy")[0].version == 3


def test_a_pinned_version_that_is_missing_raises(in_force):
    with pytest.raises(BrokenPolicy):
        pinned_policies([in_force.pk, new_id()])
    assert pinned_policies([]) == []


def test_who_sees_a_policy(pub, in_force):
    wide = create_policy(by=pub.ada, text=document(name="bank", projects="bank"))
    seen = {
        name: [row.policy.name for row in policy_rows(getattr(pub, name))]
        for name in ("ada", "max", "vera", "gus", "olga", "pam")
    }
    assert seen["ada"] == ["bank", "shop"]
    assert seen["max"] == seen["pam"] == ["shop"]
    assert seen["vera"] == ["bank", "shop"]  # her group is named by both
    assert seen["gus"] == seen["olga"] == []
    grant_role(by=pub.ada, to=pub.olga, role="policy-publisher", target=wide.policy)
    assert [row.policy.name for row in policy_rows(pub.olga)] == ["bank"]


def test_a_policy_that_is_not_visible_is_not_there(pub, in_force):
    assert load_policy_row(pub.max, in_force.policy_id)
    with pytest.raises(NotFound):
        load_policy_row(pub.olga, in_force.policy_id)
