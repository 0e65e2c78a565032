"""Freezes as facts of requests, from the POST to redeem."""

import json
from datetime import timedelta

import pytest

from approvals.lifecycle.redeem import Drift
from approvals.models import Permit
from approvals.queries.page import request_page
from policies.freezes.calendars import remove_calendar
from policies.freezes.exceptions import revoke_exception
from policies.freezes.models import ImportedCalendar
from policies.freezes.scope import Scope
from policies.freezes.windows import create_window, end_window, remove_window
from policies.language.facts import Facts, Known
from portal.kernel.clock import now
from tests.factories import ask, decide, redeem
from tests.freezes import HOUR, a_calendar, a_freeze, an_exception, around, series
from tests.integration.pages import as_, text

pytestmark = pytest.mark.django_db


def fact(request, name):
    state = Facts.from_json(request.snapshot.facts).state(name)
    return state.value if isinstance(state, Known) else state


def facts_on(page, name):
    return [f for group in page.world.groups for f in group.facts if f.name == name]


def test_without_windows_no_freeze_is_a_known_fact(frozen):
    request = ask(frozen, "staging")
    assert request.status == "approved"
    assert fact(request, "ops.freeze") is False
    assert fact(request, "ops.next_freeze_s") == 63_072_000
    assert fact(request, "ops.business_hours").kind == "unavailable"


@pytest.mark.parametrize(
    "scope",
    [lambda who: (), lambda who: (who.project,), lambda who: (who.project, who.staging)],
    ids=["organisation", "project", "environment"],
)
def test_a_freeze_denies_inside_the_post_with_its_reason(frozen, scope):
    a_freeze(frozen.admin, *scope(frozen))
    request = ask(frozen, "staging")
    assert request.status == "denied"
    assert "Change freeze (Year end)." in json.dumps(request.verdict.body)


def test_a_freeze_of_another_environment_does_not_count(frozen):
    a_freeze(frozen.admin, frozen.project, frozen.production)
    assert ask(frozen, "staging").status == "approved"
    assert ask(frozen, "production").status == "denied"


def test_a_removed_window_and_an_ended_one_do_not_count(frozen):
    remove_window(by=frozen.admin, window=a_freeze(frozen.admin))
    end_window(by=frozen.admin, window=a_freeze(frozen.admin, frozen.project))
    assert ask(frozen, "staging").status == "approved"


def test_an_exception_lets_exactly_its_target_through(frozen):
    a_freeze(frozen.admin, frozen.project)
    exception = an_exception(frozen.admin, frozen.project, frozen.staging, action="deploy")
    request = ask(frozen, "staging")
    assert (request.status, fact(request, "ops.freeze_exception")) == ("approved", "INC-4711")
    assert ask(frozen, "staging", action="migrate").status == "denied"
    assert ask(frozen, "production").status == "denied"
    revoke_exception(by=frozen.admin, exception=exception)
    assert ask(frozen, "staging").status == "denied"


def test_labels_and_claims_select_no_exception(frozen):
    a_freeze(frozen.admin, frozen.project)
    an_exception(frozen.admin, frozen.project, action="hotfix")
    asked = ask(frozen, "staging", labels=["hotfix", "INC-4711"], claims={"tests.passed": True})
    assert asked.status == "denied"


def test_business_hours_are_a_fact_where_they_are_defined(frozen):
    a_freeze(frozen.admin, kind="business_hours", reason="Office")
    assert fact(ask(frozen, "staging"), "ops.business_hours") is True
    a_freeze(frozen.admin, frozen.project, kind="business_hours", reason="Nights",
             when=around(now() + timedelta(hours=5)))  # fmt: skip
    assert fact(ask(frozen, "staging"), "ops.business_hours") is False


def test_a_calendar_that_was_never_read_blocks_a_deny_and_nothing_is_approved(frozen):
    calendar = a_calendar(frozen.admin, frozen.project)
    request = ask(frozen, "staging")
    assert request.verdict.outcome == "blocked"
    assert "has not been read yet" in fact(request, "ops.freeze").reason
    remove_calendar(by=frozen.admin, calendar=calendar)
    assert ask(frozen, "staging").status == "approved"


@pytest.mark.parametrize(("age", "outcome"), [(23, "allow"), (25, "blocked")])
def test_a_calendar_that_fails_for_a_day_makes_freezes_unknown(frozen, age, outcome):
    a_calendar(frozen.admin)
    ImportedCalendar.objects.update(fetched_at=now() - timedelta(hours=age), error="no answer")
    assert ask(frozen, "staging").verdict.outcome == outcome


def test_a_freeze_that_begins_between_approval_and_redeem_stops_it(frozen):
    request = ask(frozen, "staging")
    assert request.status == "approved"
    a_freeze(frozen.admin, frozen.project)
    with pytest.raises(Drift) as drift:
        redeem(frozen, request)
    assert "ops.freeze" in [one["fact"] for one in drift.value.extra["drift"]]
    request.refresh_from_db()
    assert request.status == "denied"
    assert not Permit.objects.exists()


def test_what_people_approved_before_a_freeze_does_not_run_in_it(frozen):
    request = decide(ask(frozen), frozen.alice)
    assert request.status == "approved"
    a_freeze(frozen.admin, frozen.project, frozen.production)
    with pytest.raises(Drift):
        redeem(frozen, request)
    request.refresh_from_db()
    assert request.status == "denied"


def test_a_running_freeze_is_on_the_request_page_with_reason_and_end(who):
    window = a_freeze(who.admin, when=around(after=timedelta(days=9)))
    request = ask(who)
    (row,) = facts_on(request_page(who.alice, request.id), "ops.freeze")
    assert (row.status, row.label) == ("freeze", "Freeze")
    assert row.value.startswith("Year end, until ")
    assert str(window.ends_at.day) in row.value
    response = as_(who.alice).get(request.get_absolute_url())
    assert "Year end, until" in text(response)
    assert 'aria-label="freeze"' in response.content.decode()


def test_a_coming_freeze_is_on_the_request_page_with_its_reason(who):
    a_freeze(who.admin, who.project, when=around(now() + timedelta(hours=30)))
    (row,) = facts_on(request_page(who.alice, ask(who).id), "ops.next_freeze_s")
    assert (row.status, row.label) == ("freeze", "Next freeze")
    assert row.value.startswith("Year end, from ")


def test_facts_of_the_calendar_stand_under_one_heading(who):
    a_freeze(who.admin, who.project, when=around(now() + timedelta(hours=30)))
    titles = [group.title for group in request_page(who.alice, ask(who).id).world.groups]
    assert titles.count("Calendar") == 1


def test_no_coming_freeze_is_no_row_unless_policy_reads_it(who):
    page = request_page(who.alice, ask(who).id)
    assert facts_on(page, "ops.next_freeze_s") == []
    (row,) = facts_on(page, "ops.freeze")
    assert (row.status, row.value) == ("holds", "no")


def test_a_recurring_freeze_in_another_zone_counts_at_its_time_there(frozen):
    at = now()
    begun = f"{at - timedelta(days=7, hours=1):%Y-%m-%d %H:%M}"
    ended = f"{at - timedelta(days=7) + HOUR:%Y-%m-%d %H:%M}"
    weekly = series(begun, ended, "Asia/Kolkata", "FREQ=WEEKLY")
    create_window(by=frozen.admin, scope=Scope(), kind="freeze", reason="There", series=weekly)
    assert ask(frozen, "staging").status == "approved"
    weekly = series(begun, ended, "UTC", "FREQ=WEEKLY")
    create_window(by=frozen.admin, scope=Scope(), kind="freeze", reason="Here", series=weekly)
    assert ask(frozen, "staging").status == "denied"
