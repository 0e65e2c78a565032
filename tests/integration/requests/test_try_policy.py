"""Trying a document on past facts or on facts typed in: a verdict, and nothing stored."""

import pytest
from django.urls import reverse

from approvals.models import Request, Snapshot, Verdict
from policies.models import Policy
from policies.publishing import create_policy, save_version
from portal.access import grant_role
from portal.directory.projects import create_project
from portal.ledger.models import Entry
from tests.factories import STAGING_AUTO, ask
from tests.integration.pages import as_, text

WATCHFUL = STAGING_AUTO.replace(
    "rules:\n",
    """\
define:
  large: git.diff_lines > 500
rules:
  - id: too-large
    when: large && 'hotfix' in request.labels
    deny: Too large ({git.diff_lines} lines).
  - id: big
    when: large
    note: A large change.
""",
)


def try_page(who, number=1, **wish):
    policy = Policy.objects.get()
    return as_(who).get(reverse("policy-version-try", args=[policy.pk, number]), wish)


@pytest.fixture
def draft(who):
    """A second version that looks at the size; `alice` may see the policy, `admin` writes it."""
    return save_version(by=who.admin, policy=Policy.objects.get(), text=WATCHFUL)


def posted(who, draft, **facts):
    """The form as the browser sends it, with some facts typed."""
    page = reverse("policy-version-try", args=[draft.policy_id, draft.number])
    return as_(who).post(page, {"do": "verdict", "start": "nothing", **facts})


def test_the_newest_request_that_it_matches_is_where_it_starts(who):
    ask(who, "staging")
    newest = ask(who, "production")
    page = text(try_page(who.alice))
    assert f"{newest}: Deploy shop to production · people are asked" in page
    assert "The verdict: People are asked" in page
    assert f"{newest} : the policies in force said then: people are asked" in page
    assert "1 approval from team-leads · rule production-lead of shop" in page
    assert "24 h to decide" in page or "1 d to decide" in page
    assert "3 rules do not apply" in page
    assert "request.tier is production" in page


def test_another_request_is_found_by_its_number_or_address(who):
    staging, _ = ask(who, "staging"), ask(who, "production")
    for said in (str(staging), str(staging.number), f"http://portal/requests/{staging.id}?seen=x"):
        page = text(try_page(who.alice, do="start", other=said))
        assert "The verdict: Let through" in page
        assert f"{staging} : the policies" in page


def test_requests_that_the_reader_may_not_see_are_not_there(who):
    request = ask(who)
    bank = create_project(by=who.admin, slug="bank", name="Bank")
    grant_role(by=who.admin, to=who.mallory, role="viewer", target=bank)
    page = text(try_page(who.mallory))
    assert str(request) not in page
    for said in (str(request), str(request.id), "R-99999999", "x" * 300, "R-0", ""):
        answer = text(try_page(who.mallory, do="start", other=said or "nonsense"))
        assert "There is no such request with facts, or it is not yours to see." in answer
        assert "The verdict:" not in answer


def test_facts_typed_by_hand_change_the_verdict_and_its_explanation(who, draft):
    target = {"f.request.project": "shop", "f.request.environment": "testing",
              "f.request.action": "deploy", "f.request.tier": "testing"}  # fmt: skip
    page = text(posted(who.alice, draft, **target))
    assert "The verdict: Denied" in page
    assert "Nothing runs on testing." in page
    target |= {"f.request.tier": "production", "f.git.diff_lines": "640",
               "f.request.labels": "hotfix\r\nurgent"}  # fmt: skip
    page = text(posted(who.alice, draft, **target))
    assert "Too large (640 lines)." in page
    assert "true: large , which is git.diff_lines > 500" in page
    assert "request.labels is hotfix, urgent claimed by the pipeline" in page
    assert "A large change." in page
    target["u.request.labels"] = "on"
    page = text(posted(who.alice, draft, **target))
    assert "The verdict: Blocked until a fact is known" in page
    assert "request.labels is unknown" in page


@pytest.mark.parametrize(
    ("fact", "typed", "said"),
    [
        ("git.diff_lines", "many", "must be a whole number"),
        ("git.diff_lines", "9" * 30, "is too large"),
        ("git.diff_lines", "1" * 5000, "must be"),
        ("request.tier", "prod", "must be one of production"),
        ("request.labels", "\n".join("x" * 2001), "too many items"),
        ("request.environment", "a\0b", "NUL"),
    ],
)
def test_a_value_that_the_fact_cannot_have_is_told_beside_it(who, draft, fact, typed, said):
    answer = posted(who.alice, draft, **{f"f.{fact}": typed})
    assert answer.status_code == 200
    assert "No verdict: a fact below cannot be read." in text(answer)
    assert said in text(answer)


def test_a_test_of_the_document_gives_its_facts(who):
    tests = """\
tests:
  - name: testing is closed
    given: {request.tier: testing, request.environment: testing}
    expect: {verdict: deny}
"""
    version = save_version(by=who.admin, policy=Policy.objects.get(), text=STAGING_AUTO + tests)
    page = text(try_page(who.alice, version.number))
    assert "Nothing runs on testing." in page
    assert "Facts that the test does not name are unknown here" in page


def test_another_target_is_not_called_denied(who):
    text_ = STAGING_AUTO.replace('projects: ["**"]', "projects: [shop]")
    version = save_version(by=who.admin, policy=Policy.objects.get(), text=text_)
    page = text(posted(who.alice, version, **{"f.request.project": "bank"}))
    assert "This policy would not be asked" in page
    assert "The verdict:" not in page


def test_a_document_in_shadow_says_what_it_would_say(who):
    ask(who)
    version = save_version(
        by=who.admin, policy=Policy.objects.get(), text=STAGING_AUTO + "mode: shadow\n"
    )
    page = text(try_page(who.alice, version.number))
    assert "The verdict: People are asked" in page
    assert "would bind nobody" in page


def test_a_text_in_the_editor_is_tried_without_saving_it(who):
    ask(who)
    admin = as_(who.admin)
    answer = admin.post(reverse("policy-try"), {"text": WATCHFUL}, HTTP_HX_REQUEST="true")
    assert "<html" not in answer.content.decode()
    assert "The verdict:" in text(answer)
    assert "shop, not saved · too-large · hard" in text(answer)
    whole = admin.post(reverse("policy-try"), {"text": WATCHFUL, "note": "Why"})
    assert "too-large" in whole.content.decode()
    assert f'formaction="{reverse("policy-new-check")}"' in whole.content.decode()
    broken = admin.post(reverse("policy-try"), {"text": "policy: [", "policy": "nonsense"})
    assert "Nothing to try yet: the document has problems" in text(broken)
    assert Policy.objects.count() == 1


def test_trying_stores_nothing_and_costs_a_few_queries(who, draft, django_assert_max_num_queries):
    ask(who)
    create_policy(by=who.admin, text=STAGING_AUTO.replace("policy: shop", "policy: other"))
    page, alice = reverse("policy-version-try", args=[draft.policy_id, 2]), as_(who.alice)
    before = [model.objects.count() for model in (Request, Snapshot, Verdict, Entry)]
    with django_assert_max_num_queries(30):
        alice.post(page, {"f.request.tier": "production"})
    assert [model.objects.count() for model in (Request, Snapshot, Verdict, Entry)] == before
