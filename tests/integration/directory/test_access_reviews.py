"""Access reviews: each membership and role is looked at by a date, by somebody else."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse

from portal.access import Capability, grant_role, holds, revoke_role
from portal.directory.groups import add_member, create_group, remove_member
from portal.directory.reviews.answer import answer_item
from portal.directory.reviews.models import AccessReview
from portal.directory.reviews.start import finish_review, start_review
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden, Invalid
from tests.integration.company import entries, last_entry
from tests.integration.pages import as_, text


@pytest.fixture
def due():
    return now() + timedelta(days=14)


@pytest.fixture
def review(company, due):
    """Of everything, as it is in the small company."""
    return start_review(by=company.ada, name="Q4", due_at=due)


def listed(review):
    return sorted((item.person.username, item.title, item.place) for item in review.items.all())


def item_of(review, person, **wanted):
    return review.items.get(person=person, **wanted)


def test_a_review_lists_what_is_held_in_its_scope(company, review, due):
    grant_role(by=company.ada, to=company.olga, role="viewer", target=company.production)
    create_group(by=company.ada, name="empty")
    assert listed(review) == [
        ("ada", "Administrator", "Acme"),
        ("gus", "Group manager", "leads"),
        ("max", "Maintainer", "shop"),
        ("vera", "Member", "leads"),
        ("vera", "Viewer", "shop"),
    ]
    of_shop = start_review(by=company.ada, name="Shop", due_at=due, project=company.shop)
    assert listed(of_shop) == [
        ("max", "Maintainer", "shop"),
        ("olga", "Viewer", "shop/production"),
        ("vera", "Viewer", "shop"),
    ]
    of_leads = start_review(by=company.ada, name="Leads", due_at=due, group=company.leads)
    assert listed(of_leads) == [("gus", "Group manager", "leads"), ("vera", "Member", "leads")]
    assert json.loads(last_entry("access_review.started"))["object"]["items"] == 2


def test_only_administrators_start_one_and_only_about_something(company, due):
    wishes = {"name": "Q4", "due_at": due}
    with pytest.raises(Forbidden):
        start_review(by=company.gus, **wishes)
    empty = create_group(by=company.ada, name="empty")
    with pytest.raises(Conflict, match="no membership and no role"):
        start_review(by=company.ada, group=empty, **wishes)
    with pytest.raises(Invalid, match="in the future"):
        start_review(by=company.ada, name="Q4", due_at=now())
    with pytest.raises(Invalid, match="not both"):
        start_review(by=company.ada, project=company.shop, group=company.leads, **wishes)
    assert not AccessReview.objects.exists()


def test_a_manager_keeps_or_removes_members_of_their_group_at_once(company, review):
    add_member(by=company.gus, group=company.leads, person=company.olga)
    late = start_review(by=company.ada, name="Late", due_at=review.due_at, group=company.leads)
    kept = answer_item(by=company.gus, item_id=item_of(late, company.vera, role="").pk, keep=True)
    assert (kept.outcome, kept.answered_by) == ("kept", company.gus)
    removed = answer_item(by=company.gus, item_id=item_of(late, company.olga).pk, keep=False)
    assert removed.outcome == "removed"
    assert [m.person.username for m in company.leads.memberships.all()] == ["vera"]
    assert len(entries("member.removed")) == 1
    answer = json.loads(last_entry("access_review.answered"))["object"]
    assert (answer["answer"], answer["person"]) == ("removed", str(company.olga.actor_ref))
    with pytest.raises(Conflict, match="answered already"):
        answer_item(by=company.gus, item_id=removed.pk, keep=True)


def test_an_administrator_keeps_or_removes_roles(company, review):
    item = item_of(review, company.max)
    with pytest.raises(Forbidden, match="administer"):
        answer_item(by=company.gus, item_id=item.pk, keep=False)
    assert holds(company.max, Capability.MAINTAIN, company.shop)
    answer_item(by=company.ada, item_id=item.pk, keep=False)
    assert not holds(company.max, Capability.MAINTAIN, company.shop)


def test_nobody_answers_for_themselves(company, review):
    grant_role(by=company.ada, to=company.vera, role="group-manager", target=company.leads)
    own = item_of(review, company.vera, role="")
    with pytest.raises(Forbidden, match="your own access"):
        answer_item(by=company.vera, item_id=own.pk, keep=True)
    with pytest.raises(Forbidden, match="your own access"):
        answer_item(by=company.ada, item_id=item_of(review, company.ada).pk, keep=True)
    assert answer_item(by=company.gus, item_id=own.pk, keep=True).outcome == "kept"


@pytest.mark.parametrize("keep", [True, False])
def test_what_ended_meanwhile_is_noted_as_such(company, review, keep):
    remove_member(by=company.gus, group=company.leads, person=company.vera)
    revoke_role(by=company.ada, to=company.max, role="maintainer", target=company.shop)
    for item in (item_of(review, company.vera, role=""), item_of(review, company.max)):
        assert answer_item(by=company.ada, item_id=item.pk, keep=keep).outcome == "gone"


def test_a_finished_review_takes_no_more_answers_and_counts_them(company, review):
    answer_item(by=company.ada, item_id=item_of(review, company.max).pk, keep=True)
    with pytest.raises(Forbidden):
        finish_review(by=company.gus, review=review)
    for _ in range(2):
        finish_review(by=company.ada, review=review)
    with pytest.raises(Conflict, match="is finished"):
        answer_item(by=company.ada, item_id=item_of(review, company.gus).pk, keep=False)
    assert holds(company.gus, Capability.MANAGE_GROUP, company.leads)
    (finished,) = entries("access_review.finished")
    counts = json.loads(finished)["object"]
    assert [counts[name] for name in ("kept", "removed", "gone", "open")] == [1, 0, 0, 4]


def test_managers_answer_on_the_page_and_see_theirs_only(company, review):
    gus = as_(company.gus)
    assert "Q4" in text(gus.get(reverse("access-reviews")))
    address = reverse("access-review", args=[review.pk])
    page = text(gus.get(address))
    assert "Vera" in page
    assert "Maintainer" not in page
    item = item_of(review, company.vera, role="")
    theirs = reverse("access-review-item", args=[review.pk, item.pk])
    assert "Vera: Member, leads" in text(gus.get(theirs))
    assert gus.post(theirs).status_code == 422, "no answer is no removal"
    after = text(gus.post(theirs, {"answer": "remove"}, follow=True))
    assert "Removed: Vera, Member, leads" in after
    assert "Everything is answered" in after
    assert not company.leads.memberships.exists()
    other = reverse("access-review-item", args=[review.pk, item_of(review, company.max).pk])
    assert gus.post(other, {"answer": "remove"}).status_code == 404
    assert as_(company.olga).get(address).status_code == 404
    assert gus.get(reverse("access-review-file", args=[review.pk])).status_code == 403


def test_what_is_overdue_says_so_until_it_is_finished(company, review):
    ada, address = as_(company.ada), reverse("access-review", args=[review.pk])
    assert "Overdue" not in text(ada.get(address))
    AccessReview.objects.update(due_at=now() - timedelta(days=1))
    assert text(ada.get(address)).count("Overdue") == 6
    assert "Overdue" in text(ada.get(reverse("access-reviews")))
    ada.post(reverse("access-review-finish", args=[review.pk]))
    page = text(ada.get(address))
    assert "Overdue" not in page
    assert "Not answered" in page
    assert "Keep" not in page


def test_an_administrator_starts_one_and_takes_the_result_out(company):
    ada = as_(company.ada)
    day = (now() + timedelta(days=30)).date()
    form = {"name": "=Q1", "due_at": day.isoformat(), "group": str(company.leads.pk)}
    page = ada.post(reverse("access-review-new"), form, follow=True)
    assert "2 not answered" in text(page)
    review = AccessReview.objects.get()
    assert review.due_at.date() == day
    company.vera.name = "=HYPERLINK(1)"
    company.vera.save()
    item = item_of(review, company.vera)
    ada.post(reverse("access-review-item", args=[review.pk, item.pk]), {"answer": "keep"})
    answer = ada.get(reverse("access-review-file", args=[review.pk]))
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0] == "person,signs_in_as,role,on,answer,answered_by,answered_at"
    assert lines[1].startswith("'=HYPERLINK(1),vera,member,leads,kept,Ada,")
    assert lines[2] == "Gus,gus,group-manager,leads,open,,"
    assert len(entries("evidence.read")) == 1


def test_the_page_costs_as_many_queries_for_many_items_as_for_few(
    company, review, django_assert_max_num_queries
):
    for number in range(8):
        person = company.person(f"p{number}")
        add_member(by=company.gus, group=company.leads, person=person)
    long = start_review(by=company.ada, name="Long", due_at=review.due_at)
    ada = as_(company.ada)
    for one in (review, long):
        with django_assert_max_num_queries(20):
            assert ada.get(reverse("access-review", args=[one.pk])).status_code == 200
