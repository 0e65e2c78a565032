"""Pages of policies: written by one person, compared and published by another."""

import pytest
from django.urls import reverse

from policies.language.reference import kind_words, meaning
from policies.language.schema import GROUPS, SCHEMAS
from policies.language.template import show
from policies.models import Policy, PolicyVersion
from policies.publishing import create_policy, publish_version, save_version
from portal.access import Capability, grant_role, holds
from tests.integration.pages import as_, text
from tests.integration.policies.documents import document


@pytest.fixture
def pub(company):
    """Max drafts for shop; Pam may publish for shop."""
    company.pam = company.person("pam")
    grant_role(by=company.ada, to=company.pam, role="policy-publisher", target=company.shop)
    return company


@pytest.fixture
def draft(pub) -> PolicyVersion:
    return create_policy(by=pub.max, text=document(), note="The first")


@pytest.fixture
def in_force(pub, draft) -> PolicyVersion:
    publish_version(by=pub.pam, version=draft)
    return draft


def address(name: str, version: PolicyVersion, *, numbered: bool = False) -> str:
    return reverse(
        name, args=[version.policy_id, version.number] if numbered else [version.policy_id]
    )


def test_a_maintainer_writes_a_policy(pub):
    max_ = as_(pub.max)
    assert "New policy" in text(max_.get(reverse("policies")))
    assert "policy: my-service" in max_.get(reverse("policy-new")).content.decode()
    posted = {"text": document().replace("\n", "\r\n"), "note": "First"}
    page = text(max_.post(reverse("policy-new"), posted, follow=True))
    assert "Policy saved as version 1. It is not in force yet." in page
    assert PolicyVersion.objects.get().text == document()


def test_problems_are_shown_with_their_line_and_the_text_is_kept(pub):
    broken = document().replace("rules:", "ruels:") + "# my notes\n"
    answer = as_(pub.max).post(reverse("policy-new"), {"text": broken})
    assert answer.status_code == 422
    assert "Not saved: 1 problem" in text(answer)
    assert "ruels:" in text(answer)
    assert "Line 4, column 1" in text(answer)
    assert "# my notes" in answer.content.decode()
    assert not Policy.objects.exists()


@pytest.mark.parametrize("posted", [{}, {"text": ""}, {"text": "a\0b"}, {"text": "x" * 100_001}])
def test_a_document_that_is_none_is_an_error_beside_the_field(pub, posted):
    answer = as_(pub.max).post(reverse("policy-new"), {"note": "", "x": "1", **posted})
    assert answer.status_code == 422
    assert "text" in answer.context["form"].errors


def test_the_list_says_what_is_in_force_and_what_waits(pub, in_force):
    page = text(as_(pub.vera).get(reverse("policies")))
    assert "Version 1 in force" in page
    assert "waits to be published" not in page
    save_version(by=pub.max, policy=in_force.policy, text=document(count=2))
    assert "waits to be published" in text(as_(pub.vera).get(reverse("policies")))
    assert "No policies for you" in text(as_(pub.olga).get(reverse("policies")))


def test_a_version_shows_its_document_and_what_it_changes(pub, in_force):
    second = save_version(by=pub.max, policy=in_force.policy, text=document(count=2))
    page = text(as_(pub.pam).get(address("policy-version", second, numbered=True)))
    assert "What it changes against version 1" in page
    assert "removed: default: {require: {count: 1" in page
    assert "added: default: {require: {count: 2" in page
    assert second.digest in page


def test_a_new_version_begins_with_the_newest_text(pub, in_force):
    max_, new = as_(pub.max), address("policy-version-new", in_force)
    assert "policy: shop" in max_.get(new).content.decode()
    assert "Nothing differs" in text(max_.post(new, {"text": document()}))
    page = text(max_.post(new, {"text": document(count=2)}, follow=True))
    assert "Saved as version 2. Somebody else has to publish it." in page
    assert as_(pub.vera).get(new).status_code == 403


def test_roles_on_a_policy(pub, in_force):
    ada = as_(pub.ada)
    ada.post(
        address("policy-roles", in_force),
        {"to": "olga", "role": "policy-publisher", "reason": "Needed", "confirmed": "yes"},
    )
    assert holds(pub.olga, Capability.PUBLISH_POLICY, in_force.policy)
    args = [in_force.policy_id, pub.olga.pk, "policy-publisher"]
    ada.post(reverse("policy-role-revoke", args=args))
    assert not holds(pub.olga, Capability.PUBLISH_POLICY, in_force.policy)


def test_a_broken_version_is_shown_as_broken(pub, in_force):
    broken = PolicyVersion.objects.create(
        policy=in_force.policy, number=2, text="x", digest="sha256:0", author=pub.max
    )
    Policy.objects.update(in_force=broken)
    ada = as_(pub.ada)
    assert "Cannot be read" in text(ada.get(reverse("policies")))
    assert "Nothing is approved while this lasts" in text(ada.get(address("policy", broken)))
    assert ada.get(address("policy-version", broken, numbered=True)).status_code == 200


def test_hidden_characters_of_a_document_are_made_visible(pub):
    version = create_policy(by=pub.max, text=document() + "# \u202eevil\n")
    page = as_(pub.pam).get(address("policy-version", version, numbered=True))
    assert "\u202e" not in page.content.decode()
    assert "⟨U+202E⟩" in text(page)


def test_an_unknown_version_is_not_there(pub, draft):
    for number in (2, 10**30):
        address_ = reverse("policy-version", args=[draft.policy_id, number])
        assert as_(pub.max).get(address_).status_code == 404


def test_the_list_costs_the_same_however_long(pub, django_assert_max_num_queries):
    for n in range(12):
        create_policy(by=pub.max, text=document(name=f"p{n:02}"))
    client = as_(pub.vera)
    with django_assert_max_num_queries(19):
        assert "p11" in text(client.get(reverse("policies")))


def test_everybody_reads_every_fact_with_its_type_and_example(pub):
    answer = as_(pub.olga).get(reverse("policy-facts"))
    for fact in SCHEMAS["v1"].values():
        assert f'id="{fact.name}"' in answer.content.decode()
        assert f"{fact.name} {meaning(fact)} {kind_words(fact)}" in text(answer)
        assert show(fact.example) in text(answer)
    for family in ("metric", "flag", "text", "items"):
        assert f'id="{family}.NAME"' in answer.content.decode()
    assert all(meaning in text(answer) for meaning in GROUPS.values())
