"""The editor: what is wrong stands at its line before anything is saved."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from approvals.connections.configure import archive_connection, create_connection
from policies.models import Policy, PolicyVersion
from policies.publishing import create_policy
from portal.access import grant_role
from portal.ledger.models import Entry
from tests.integration.pages import as_, text
from tests.integration.policies.documents import document

CHECK, FORMAT = "policy-new-check", "policy-new-format"
TESTS = """\
tests:
  - name: production asks a lead
    given: {request.environment: production}
    expect: {verdict: review}
  - name: staging flows
    given: {request.environment: staging}
    expect: {verdict: allow}
"""


@pytest.fixture
def max_(company):
    return as_(company.max)


def check(client, body, name=CHECK, args=(), **headers):
    """What the script of the editor asks while somebody types."""
    headers = {"HTTP_HX_REQUEST": "true", **headers}
    return client.post(reverse(name, args=args), {"text": body}, **headers)


def places(answer, kind):
    """(line, column) of every finding of a kind."""
    found = re.findall(r'data-line="(\d+)" data-column="(\d+)" data-kind="(\w+)"',
                       answer.content.decode())  # fmt: skip
    return [(int(line), int(column)) for line, column, one in found if one == kind]


def test_a_mistake_is_told_at_its_line_in_a_fragment(max_):
    body = document().replace("request.environment ==", "request.enviroment ==")
    answer = check(max_, body)
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    assert places(answer, "bad") == [(6, 11)]
    assert "Cannot be saved: 1 problem" in text(answer)
    assert "did you mean 'request.environment'?" in text(answer)
    assert "<mark>request.enviroment</mark>" in answer.content.decode()


def test_a_right_document_says_so_and_that_it_has_no_tests(max_):
    answer = check(max_, document())
    assert "Can be saved: no problems" in text(answer)
    assert "It has no tests" in text(answer)
    assert places(answer, "bad") == places(answer, "warn") == []


def test_tests_pass_or_say_at_their_line_what_differs(max_):
    answer = check(max_, document() + TESTS)
    assert "Can be saved, but 1 test fails" in text(answer)
    assert "1 of 2 tests fails: it cannot be published like this" in text(answer)
    assert "“staging flows” fails: the verdict is review because of default, not allow" in text(
        answer
    )
    assert places(answer, "warn") == [(15, 5)]
    good = check(max_, document() + TESTS.replace("allow", "review"))
    assert "Can be saved: its 2 tests pass" in text(good)


@pytest.mark.parametrize(
    ("more", "line", "said"),
    [
        ("mode: shadow\n", 11, "binds nobody"),
        ("mode: off\n", 11, "nothing of this policy counts"),
        ("escalate: [{after: 1h, notify: [leads]}]\n", 11, "does not act on it yet"),
        ("break_glass: {by: [leads], valid_for: 15m, review_within: 1d}\n", 11, "act on it yet"),
        ("# self_approval: true\non_unavailable: {git.head: {require: {count: 1, from: [leads],"
         " self_approval: true}}}\n", 12, "may approve it"),
    ],
)  # fmt: skip
def test_what_an_author_should_know_is_no_problem(max_, more, line, said):
    answer = check(max_, document() + more)
    assert places(answer, "bad") == []
    assert line in [at for at, _ in places(answer, "info")]
    assert said in text(answer)


def reading(what):
    return document().replace("request.environment == 'production'", what)


def connect(company, *names, **where):
    """An outside system that gives numbers of these names."""
    facts = "\n".join(f"metric.{name} = /{name}" for name in names)
    return create_connection(
        by=company.ada, kind="http_json", name="numbers", secrets={},
        settings={"url": "https://numbers.example/", "facts": facts}, **where,
    )  # fmt: skip


NOBODY = "No connection that you may see gives metric.eror_rate where this policy applies"


def test_a_fact_that_no_connection_names_is_told_at_its_line(company, max_):
    connect(company, "error_rate", project=company.shop)
    answer = check(max_, reading("metric.eror_rate > 0.1"))
    assert places(answer, "bad") == []
    assert (6, 11) in places(answer, "info")
    assert NOBODY in text(answer)
    assert "Did you mean metric.error_rate?" in text(answer)
    assert "No connection" not in text(check(max_, reading("metric.error_rate > 0.1")))
    assert "No connection" not in text(check(max_, document()))


@pytest.mark.parametrize("where", ["everywhere", "its project", "its environment"])
def test_a_fact_is_given_where_a_connection_of_the_policy_s_reach_names_it(company, max_, where):
    places = {
        "everywhere": {},
        "its project": {"project": company.shop},
        "its environment": {"project": company.shop, "environment": company.production},
    }
    connect(company, "eror_rate", **places[where])
    body = reading("metric.eror_rate > 0.1")
    assert "No connection" not in text(check(max_, body))
    elsewhere = body.replace('environments: ["*"]', "environments: [staging]")
    told = NOBODY in text(check(max_, elsewhere))
    assert told == (where == "its environment")


def test_names_of_projects_that_the_author_may_not_see_are_not_given_away(company, max_):
    connect(company, "error_rate", project=company.bank)
    body = reading("metric.error_rate > 0.1").replace("projects: [shop]", 'projects: ["*"]')
    hidden = text(check(max_, body))
    assert "No connection that you may see gives metric.error_rate" in hidden
    assert "Did you mean" not in hidden
    assert "No connection" not in text(check(as_(company.ada), body))
    misspelt = body.replace("error_rate", "eror_rate")
    assert "Did you mean" not in text(check(max_, misspelt))
    assert "Did you mean metric.error_rate?" in text(check(as_(company.ada), misspelt))


def test_a_connection_that_is_archived_names_nothing(company, max_):
    made = connect(company, "error_rate", project=company.shop)
    body = reading("metric.error_rate > 0.1")
    assert "No connection" not in text(check(max_, body))
    archive_connection(by=company.ada, connection=made)
    assert "No connection" in text(check(max_, body))


def test_a_group_that_is_missing_or_empty_is_told_at_its_line(company, max_):
    company.leads.memberships.all().delete()
    answer = check(max_, document(groups="laeds"))
    assert places(answer, "bad") == [(7, 32), (8, 38)]
    assert "There is no approver group “laeds”." in text(answer)
    assert "“leads” has no active member" in text(answer)


def test_a_name_that_is_taken_or_changed_is_told_before_saving(company, max_):
    made = create_policy(by=company.max, text=document())
    assert "There is a policy of this name already" in text(check(max_, document()))
    grant_role(by=company.ada, to=company.max, role="maintainer", target=company.bank)
    renamed = document(name="other")
    answer = check(max_, renamed, "policy-version-new-check", [made.policy_id])
    assert "This is the policy “shop”; its name stays." in text(answer)
    assert places(answer, "bad") == [(1, 1)]


def test_without_a_script_the_whole_page_comes_back_with_the_text(max_):
    posted = {"text": document().replace("rules:", "ruels:"), "note": "Why"}
    answer = max_.post(reverse(CHECK), posted)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "<html" in page
    assert "ruels:" in page
    assert 'value="Why"' in page
    assert f'action="{reverse("policy-new")}"' in page
    assert places(answer, "bad")[0] == (4, 1)


def test_looking_saves_nothing(max_, django_assert_max_num_queries):
    before = Entry.objects.count()
    with django_assert_max_num_queries(14):
        check(max_, document() + TESTS)
    check(max_, document(), FORMAT)
    assert not Policy.objects.exists()
    assert not PolicyVersion.objects.exists()
    assert Entry.objects.count() == before


@pytest.mark.parametrize("name", [CHECK, FORMAT, "policy-try"])
def test_looking_needs_the_right_to_draft_and_the_token_of_the_form(company, name):
    assert check(as_(company.max), document(), name).status_code == 200
    for person in (company.vera, company.olga):
        assert check(as_(person), document(), name).status_code == 403
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(company.max)
    assert check(careful, document(), name).status_code == 403
    assert Client().post(reverse(name), {"text": document()}).status_code == 302


def test_a_policy_that_is_not_yours_to_see_is_not_found(company):
    made = create_policy(by=company.max, text=document())
    for verb in ("check", "format"):
        name = f"policy-version-new-{verb}"
        assert check(as_(company.olga), document(), name, [made.policy_id]).status_code == 404
        assert check(as_(company.vera), document(), name, [made.policy_id]).status_code == 403
        assert check(as_(company.max), document(), name, [made.policy_id]).status_code == 200


@pytest.mark.parametrize(
    "body",
    ["", " ", "a\0b", "[", "\ud7ff\ue000", "- " * 9_000, "x" * (64 * 1024 + 1), "é" * 40_000,
     "x" * 100_001, "a: &b [*b]", "policy: shop\npolicy: shop"],
)  # fmt: skip
def test_junk_is_a_problem_and_no_failure(max_, body):
    for name in (CHECK, FORMAT):
        answer = check(max_, body, name)
        assert answer.status_code == 200
        assert "Cannot be saved" in text(answer)
        assert places(answer, "bad")


def test_megabytes_are_refused_before_they_are_read(max_):
    answer = check(max_, "x" * (3 * 1024 * 1024 + 1))
    assert answer.status_code in (400, 413)


def test_hostile_text_is_shown_as_text(max_):
    answer = check(max_, document() + "<script>alert(1)</script>\u202e: x\n")
    assert "<script>" not in answer.content.decode()
    assert "\u202e" not in answer.content.decode()


def test_format_gives_the_text_back_tidy_and_saves_nothing(max_):
    untidy = document().replace("  - id", "    -  id").replace("    when", "       when")
    untidy = untidy.replace("    require: {count: 1, f", "       require: {count: 1, f")
    answer = check(max_, untidy, FORMAT)
    assert "Formatted. It says the same as before." in text(answer)
    found = re.search(r"data-formatted[^>]*>\n(.*?)</textarea>", answer.content.decode(), re.S)
    assert found[1].replace("&#x27;", "'").replace("&quot;", '"') == document()
    assert "It was formatted already." in text(check(max_, document(), FORMAT))
    assert "Not formatted" in text(check(max_, "a: [", FORMAT))
    whole = max_.post(reverse(FORMAT), {"text": untidy})
    assert whole.context["form"]["text"].value() == document()


def test_a_failing_test_does_not_keep_a_draft_from_being_saved(max_):
    posted = {"text": document() + TESTS}
    page = text(max_.post(reverse("policy-new"), posted, follow=True))
    assert "Policy saved as version 1" in page
    assert "1 of 2 tests fails: it cannot be published like this" in page


def test_a_refused_save_says_that_nothing_was_saved(max_):
    answer = max_.post(reverse("policy-new"), {"text": document(groups="nobody")})
    assert answer.status_code == 422
    assert "Not saved: 1 problem" in text(answer)
    assert not Policy.objects.exists()
