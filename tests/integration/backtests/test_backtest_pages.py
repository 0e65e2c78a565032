"""Pages of backtests as people use them."""

import csv
import io
import json

import pytest
from django.urls import reverse

from approvals.backtest.export import as_csv
from approvals.backtest.run import run_backtest
from approvals.backtest.seen import seen_by
from approvals.models import Backtest
from portal.access import grant_role
from tests.integration.backtests.conftest import LOOSER
from tests.integration.pages import as_, text

pytestmark = pytest.mark.django_db


def at(name, found):
    return reverse(name, args=[found.version.policy_id, found.version.number, found.pk])


def start_page(version):
    return reverse("backtests", args=[version.policy_id, version.number])


def test_from_the_version_to_the_result(stored, draft):
    version, admin = draft(), as_(stored.admin)
    page = admin.get(reverse("policy-version", args=[version.policy_id, version.number]))
    assert start_page(version) in page.content.decode()
    assert start_page(version) in admin.get(version_list(version)).content.decode()
    asked = admin.post(start_page(version), {"range": "1000", "place": ""}, follow=True)
    assert "Waits for a worker" in text(asked)
    found = Backtest.objects.get()
    assert run_backtest(found.pk)
    page = text(admin.get(at("backtest", found)))
    assert "3 of 6 matched requests would get another verdict" in page
    assert "None of them a looser one" in page
    assert "by more people" in page
    assert str(stored.requests[2]) in page
    assert "Done" in text(admin.get(start_page(version)))


def version_list(version):
    return reverse("policy", args=[version.policy_id])


def test_the_part_that_moves_is_asked_for_by_htmx_until_it_is_over(stored, backtest):
    found, admin = backtest(finish=False), as_(stored.admin)
    part = admin.get(at("backtest", found), headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert not part.headers.get("HX-Refresh")
    run_backtest(found.pk)
    assert admin.get(at("backtest", found), headers={"HX-Request": "true"})["HX-Refresh"] == "true"


def test_who_looked_says_so_and_reading_alone_records_nothing(stored, backtest):
    found, admin = backtest(finish=False), as_(stored.admin)
    assert admin.post(at("backtest-seen", found)).status_code == 404, "there is no result yet"
    run_backtest(found.pk)
    assert "I looked at this" in text(admin.get(at("backtest", found)))
    assert not seen_by(found.version, stored.admin)
    assert "You looked at this" in text(admin.post(at("backtest-seen", found), follow=True))
    assert seen_by(found.version, stored.admin)


def test_cancel_and_run_again(stored, backtest):
    found, admin = backtest(finish=False), as_(stored.admin)
    page = admin.post(at("backtest-cancel", found), follow=True)
    assert "Cancelled after 0 of 6 requests" in text(page)
    admin.post(at("backtest-again", found), follow=True)
    again = Backtest.objects.exclude(pk=found.pk).get()
    assert (again.wish, again.state) == (found.wish, "queued")


def test_pressing_start_while_one_runs_leads_to_it(stored, backtest):
    found = backtest(finish=False)
    page = as_(stored.admin).post(start_page(found.version), {"range": "7d"}, follow=True)
    assert "was running already" in text(page)
    assert page.redirect_chain[-1][0] == at("backtest", found)


@pytest.mark.parametrize("posted", [{}, {"range": "1"}, {"range": "1000", "place": "x"}])
def test_a_range_or_place_that_is_none_is_refused(stored, draft, posted):
    answer = as_(stored.admin).post(start_page(draft()), posted or {"place": ""})
    assert answer.status_code == 422
    assert not Backtest.objects.exists()


def test_numbers_count_all_but_only_visible_requests_are_listed(stored, backtest, draft):
    found, reader = backtest(draft(LOOSER)), stored.mallory
    grant_role(by=stored.admin, to=reader, role="policy-publisher", target=found.version.policy)
    page = as_(reader).get(at("backtest", found))
    assert "3 of 6 matched requests" in text(page)
    assert "None that you may see." in text(page)
    for request in stored.requests:
        assert str(request.pk) not in page.content.decode()
    assert file_of(reader, "csv", found) == []
    assert file_of(reader, "json", found)["requests"] == []
    assert file_of(reader, "json", found)["changed"] == 3


def file_of(person, form, found):
    response = as_(person).get(at(f"backtest-{form}", found))
    assert f'filename="shop-v2-backtest.{form}"' in response["Content-Disposition"]
    body = b"".join(response.streaming_content).decode()
    return json.loads(body) if form == "json" else list(csv.DictReader(io.StringIO(body)))


def test_both_files_name_every_changed_request(stored, backtest, draft):
    found = backtest(draft(LOOSER))
    rows, whole = file_of(stored.admin, "csv", found), file_of(stored.admin, "json", found)
    production = {str(request.pk) for request in stored.requests[2:5]}
    assert {row["id"] for row in rows} == {row["id"] for row in whole["requests"]} == production
    assert {(row["old"], row["new"]) for row in rows} == {("review", "allow")}
    assert whole["rules"]["staging-auto"] == {"applies": 5, "cannot_tell": 0}
    assert whole["decisions"] == {"then": 3, "now": 0}


@pytest.mark.parametrize("begin", ["=", "+", "-", "@"])
def test_no_cell_of_the_csv_is_a_formula(stored, backtest, draft, begin):
    row = backtest(draft(LOOSER)).changed.select_related(
        "request__project", "request__environment"
    )[0]
    row.request.action = f"{begin}cmd()"
    assert f"'{begin}cmd()" in list(as_csv([row]))[1]


def test_there_is_no_file_before_the_end(stored, backtest):
    found = backtest(finish=False)
    for form in ("csv", "json"):
        assert as_(stored.admin).get(at(f"backtest-{form}", found)).status_code == 404


def test_pages_and_kinds_of_changes_lead_on(stored, backtest, draft, monkeypatch):
    monkeypatch.setattr("approvals.backtest.result.PAGE", 2)
    found, admin = backtest(draft(LOOSER)), as_(stored.admin)
    first = admin.get(at("backtest", found))
    assert len(first.context["page"].rows) == 2
    second = admin.get(first.context["older_url"])
    assert len(second.context["page"].rows) == 1
    assert {r.pk for r in first.context["page"].rows}.isdisjoint(second.context["page"].rows)
    only = admin.get(at("backtest", found) + "?change=deny-allow")
    assert only.context["page"].rows == []
    for nonsense in ("?change=x", "?after=x", "?change=a-b-c&after=1.2"):
        assert len(admin.get(at("backtest", found) + nonsense).context["page"].rows) == 2
