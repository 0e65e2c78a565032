import io
import tracemalloc
from datetime import timedelta

import openpyxl
import pytest
from django.db import connection, transaction

from approvals.audit.reports import REPORTS, download
from approvals.audit.reports.filters import report_filters
from approvals.audit.reports.report import Column, Report
from approvals.audit.reports.rows import stream
from approvals.audit.scope import audit_scope
from approvals.lifecycle.finish import finish_permit
from approvals.lifecycle.withdraw import revoke_request
from approvals.models import Request
from approvals.states import PermitStatus
from portal.access import grant_role, revoke_role
from portal.access.models import RoleGrant
from portal.directory.delegations import create_delegation
from portal.directory.environments import create_environment
from portal.directory.models import ApproverGroup
from portal.directory.projects import create_project
from portal.directory.reviews.answer import answer_item
from portal.directory.reviews.models import AccessReview
from portal.directory.reviews.start import start_review
from portal.kernel.cells import harmless
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Gone
from portal.ledger.models import Entry
from tests.factories import ask, backdate, decide, person, redeem
from tests.integration.pages import as_, text


def only(rows, request):
    (found,) = [row for row in rows if row["request"] == str(request)]
    return found


def test_the_population_has_every_request_and_says_what_became_of_it(audited, taken):
    rows = taken(audited.auditor, "population")
    assert [row["decision"] for row in rows] == [
        "redeemed", "approved", "denied", "rejected", "pending",
    ]  # fmt: skip
    assert [row["mode"] for row in rows] == ["people", "policy", "policy", "people", ""]
    row = only(rows, audited.ran)
    said = {name: row[name] for name in ("requester", "project", "environment", "result")}
    assert said == {
        "requester": "carol",
        "project": "shop",
        "environment": "production",
        "result": "succeeded",
    }
    assert (row["exit_code"], row["permit"]) == (0, str(audited.permit.id))
    assert row["approvers"].startswith("Alice Lead (approve, 20")
    assert (row["commit"], row["digest"]) == ("1" * 40, audited.ran.digest)
    assert row["policies"] == "shop v1"
    assert row["entry"] == Entry.objects.filter(request=audited.ran.id).earliest("id").id
    assert row["leaf"] is None  # not sealed yet


def test_a_time_stands_in_the_readers_zone_and_in_utc(audited, taken):
    audited.auditor.time_zone = "Asia/Kolkata"
    audited.auditor.save()
    row = only(taken(audited.auditor, "population"), audited.ran)
    asked = audited.ran.created_at
    assert row["created_utc"] == asked.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    local = asked + timedelta(hours=5, minutes=30)
    assert row["created"] == local.strftime("%Y-%m-%dT%H:%M:%S.%f")


def test_separation_names_an_approver_who_turns_out_to_answer_for_the_request(audited, taken):
    row = only(taken(audited.auditor, "separation"), audited.ran)
    assert (row["approvers"], row["owner"], row["overlap"]) == ("Alice Lead", "Carol Release", "")
    assert (row["rule"], row["exception"]) == ("shop · production-lead", "")
    assert row["executor"] == "deploy-bot"
    audited.account.owner = audited.alice
    audited.account.save()
    assert only(taken(audited.auditor, "separation"), audited.ran)["overlap"] == "Alice Lead"


def test_reports_say_on_whose_behalf_somebody_approved(audited, taken):
    create_delegation(
        by=audited.admin,
        group=ApproverGroup.objects.get(name="team-leads"),
        delegator=audited.alice,
        delegate=audited.mallory,
        starts_at=now() - timedelta(minutes=1),
        ends_at=now() + timedelta(days=1),
        reason="Holiday",
    )
    request = decide(ask(audited), audited.mallory)
    row = only(taken(audited.auditor, "separation"), request)
    assert (row["approvers"], row["overlap"]) == ("Mallory Outside on behalf of Alice Lead", "")
    audited.account.owner = audited.alice
    audited.account.save()
    assert only(taken(audited.auditor, "separation"), request)["overlap"] == "Alice Lead"
    row = only(taken(audited.auditor, "population"), request)
    assert row["approvers"].startswith("Mallory Outside on behalf of Alice Lead (approve, 20")


def test_separation_names_an_approver_whose_account_at_the_forge_touched_it(audited, taken):
    touched = [[str(audited.alice.pk), "your account at the forge opened the pull request"]]
    Request.objects.filter(pk=audited.ran.pk).update(forge_touchers=touched)
    assert only(taken(audited.auditor, "separation"), audited.ran)["overlap"] == "Alice Lead"


def test_decisions_by_policy_name_the_rule_and_who_published_it(audited, taken):
    rows = taken(audited.auditor, "by-policy")
    assert {row["request"] for row in rows} == {str(audited.alone), str(audited.denied)}
    approved, denied = only(rows, audited.alone), only(rows, audited.denied)
    assert (approved["outcome"], approved["rule"]) == ("approved", "shop · staging-auto")
    assert (denied["outcome"], denied["rule"]) == ("denied", "shop · never-testing")
    assert approved["reviewer"] == "Dee Deputy"
    assert approved["snapshot"] == audited.alone.snapshot.digest


def test_a_voided_approval_is_reported_with_who_took_it_back(audited, taken):
    approved = decide(ask(audited), audited.bob)
    revoke_request(by=audited.bob, request_id=approved.id, reason="An incident began")
    (row,) = taken(audited.auditor, "drift")
    assert (row["request"], row["void"], row["by"]) == (str(approved), "revoked", "Bob Lead")
    assert (row["ended"], bool(row["approved_utc"])) == ("revoked", True)


def test_a_run_that_ends_when_its_permit_is_over_is_without_one(audited, taken):
    late = decide(ask(audited), audited.bob)
    permit = backdate(redeem(audited, late), expires_at=now() - timedelta(minutes=1))
    with pytest.raises(Gone):
        finish_permit(
            token=audited.token, permit_id=permit.id, run_id=late.run["id"], run_attempt=1,
            outcome=PermitStatus.SUCCEEDED, exit_code=0,
        )  # fmt: skip
    (row,) = taken(audited.auditor, "without-permit")
    assert (row["request"], row["run"]) == (str(late), f"{late.run['id']} / 1")
    assert (row["found_by"], row["said"]) == ("its own report", "succeeded")


def test_another_end_told_of_a_run_that_had_its_permit_is_no_such_run(audited, taken):
    run = {"run_id": audited.ran.run["id"], "run_attempt": 1}
    with pytest.raises(Conflict):
        finish_permit(
            token=audited.token, permit_id=audited.permit.id, outcome=PermitStatus.FAILED,
            exit_code=1, **run,
        )  # fmt: skip
    assert Entry.objects.filter(type="permit.reported_late").exists()
    assert taken(audited.auditor, "without-permit") == []


def test_changes_say_who_changed_what_before_and_after(audited, taken):
    rows = taken(audited.auditor, "changes")
    events = {row["event"] for row in rows}
    assert {"project.created", "role.granted", "member.added", "policy.published"} <= events
    assert not {"sign_in.succeeded", "request.submitted", "export.created"} & events
    granted = next(row for row in rows if row["person"] == "Olga Auditor" and row["role"])
    assert (granted["actor"], granted["role"]) == ("Ada Admin", "auditor")


def test_the_access_review_says_what_is_held_now_and_the_last_decision(audited, taken):
    grant_role(by=audited.admin, to=audited.mallory, role="viewer", target=audited.project)
    revoke_role(by=audited.admin, to=audited.mallory, role="viewer", target=audited.project)
    grant_role(by=audited.admin, to=audited.mallory, role="requester", target=audited.project)
    RoleGrant.objects.filter(person=audited.mallory).update(until=now() - timedelta(hours=1))
    rows = taken(audited.auditor, "access-review")
    assert "Mallory Outside" not in {row["person"] for row in rows}
    alice = {row["name"]: row for row in rows if row["person"] == "Alice Lead"}
    assert {name: row["through"] for name, row in alice.items()} == {
        "team-leads": "group",
        "viewer": "role",
    }
    assert alice["viewer"]["project"] == "shop"
    assert alice["viewer"]["since_utc"] and alice["team-leads"]["last_decision_utc"]


def test_answers_of_access_reviews_are_a_report(audited, taken):
    review = start_review(by=audited.admin, name="Q4", due_at=now() + timedelta(days=9))
    item = review.items.get(person=audited.alice, role="")
    answer_item(by=audited.admin, item_id=item.pk, keep=False)
    AccessReview.objects.update(due_at=now() - timedelta(days=1))
    rows = taken(audited.auditor, "review-answers")
    alice = {row["role"]: row for row in rows if row["person"] == "Alice Lead"}
    assert (alice["member"]["answer"], alice["member"]["answered_by"]) == ("removed", "Ada Admin")
    assert (alice["viewer"]["answer"], alice["viewer"]["place"]) == ("overdue", "shop")
    bank = create_project(by=audited.admin, slug="bank", name="Bank")
    clerk = person(audited.admin, "Otto Clerk")
    grant_role(by=audited.admin, to=clerk, role="auditor", target=bank)
    assert {row["role"] for row in taken(clerk, "review-answers")} == {"member"}


def test_taking_a_report_out_is_recorded_before_and_after(audited, taken):
    body = taken(audited.auditor, "population", "xlsx")
    rows = taken(audited.auditor, "reading")
    begun, ended = rows[:2]
    assert [row["event"] for row in rows] == ["export.created", "export.finished", "export.created"]
    assert begun["export"] == ended["export"]
    assert (ended["report"], ended["form"], ended["rows"]) == ("population", "xlsx", 5)
    assert ended["outcome"] == "done"
    assert ended["digest"] == f"sha256:{download.sha256(body).hexdigest()}"


def test_a_reader_who_hangs_up_leaves_that_on_record(audited):
    filters = report_filters(audit_scope(audited.auditor), {})
    parts = download.download(
        by=audited.auditor,
        report=REPORTS["population"],
        filters=filters,
        form=download.FORMS["csv"],
    )
    next(parts)
    parts.close()
    assert Entry.objects.get(type="export.finished").outcome == "broken off"


def test_a_sheet_holds_the_same_as_the_csv(audited, taken):
    book = openpyxl.load_workbook(io.BytesIO(taken(audited.auditor, "population", "xlsx")))
    names, *rows = book.active.iter_rows(values_only=True)
    listed = taken(audited.auditor, "population", "csv")
    assert list(names) == list(listed[0])
    found = [["" if value is None else str(value) for value in row] for row in rows]
    assert found == [list(row.values()) for row in listed]


@pytest.mark.parametrize(
    "hostile", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "＠x",
                "\N{IDEOGRAPHIC SPACE}=1", "\N{NO-BREAK SPACE}@x", " \n\t+1"]
)  # fmt: skip
def test_no_cell_is_a_formula(hostile):
    assert harmless(hostile).startswith("'")
    assert "\r" not in harmless(hostile)


def test_a_hostile_action_is_harmless_in_a_table_and_verbatim_as_json(audited, taken):
    evil = '=HYPERLINK("http://evil.example","x")'
    ask(audited, run={"id": "evil", "attempt": 1, "actor": evil})
    as_csv = taken(audited.auditor, "population", "csv")
    assert as_csv[-1]["requester"] == f"'{evil}"
    book = openpyxl.load_workbook(io.BytesIO(taken(audited.auditor, "population", "xlsx")))
    assert {cell.data_type for row in book.active.iter_rows(min_row=2) for cell in row} <= {
        "s",
        "n",
        "inlineStr",
    }
    assert taken(audited.auditor, "population")[-1]["requester"] == evil


def test_an_auditor_of_one_project_gets_nothing_of_another(audited, taken):
    bank = create_project(by=audited.admin, slug="bank", name="Bank")
    vault = create_environment(by=audited.admin, project=bank, name="vault", tier="production")
    paula = person(audited.admin, "Paula Project")
    grant_role(by=audited.admin, to=paula, role="auditor", target=bank)
    for name in REPORTS:
        rows = taken(paula, name)
        assert {row.get("project") for row in rows} <= {"bank", "", None}, name
    assert taken(paula, "population") == []
    events = {row["event"] for row in taken(paula, "changes")}
    assert events == {"project.created", "environment.created", "role.granted"}
    for place in ({"project": audited.project.pk}, {"environment": audited.production.pk}):
        assert as_(paula).get("/audit/reports/files/population.csv", place).status_code == 404
    wrong = {"project": bank.pk, "environment": audited.production.pk}
    assert as_(audited.auditor).get("/audit/reports/population", wrong).status_code == 404
    mine = {"project": bank.pk, "environment": vault.pk}
    assert as_(paula).get("/audit/reports/population", mine).status_code == 200


@pytest.mark.parametrize(
    ("filters", "status"),
    [
        ({"since": "2026-02-30"}, 422),
        ({"since": "0001-01-01"}, 422),
        ({"since": "2026-03-02", "until": "2026-03-01"}, 422),
        ({"project": "shop"}, 404),
        ({"environment": "' OR 1=1"}, 404),
    ],
)
def test_nonsense_in_the_address_is_refused(audited, filters, status):
    client = as_(audited.auditor)
    assert client.get("/audit/reports/population", filters).status_code == status
    assert client.get("/audit/reports/files/population.csv", filters).status_code == status


def test_the_period_and_the_environment_narrow_every_report(audited, taken):
    before = now().date() - timedelta(days=9)
    old = {"since": "2020-01-01", "until": before.isoformat()}
    for name, report in REPORTS.items():
        if report.periodic:
            assert taken(audited.auditor, name, **old) == [], name
    staging = {"environment": str(audited.staging.pk)}
    for name in ("population", "by-policy", "changes", "access-review", "separation"):
        rows = taken(audited.auditor, name, **staging)
        assert {row.get("environment") for row in rows} <= {"staging", None}, name


def test_the_page_shows_first_rows_and_totals(audited):
    page = text(as_(audited.auditor).get("/audit/reports/population"))
    assert "5 rows" in page
    assert "redeemed 1" in page
    assert "Alice Lead" in page
    assert not Entry.objects.filter(type="export.created").exists()
    for name in REPORTS:
        assert as_(audited.auditor).get(f"/audit/reports/{name}").status_code == 200, name


def test_a_report_too_long_for_a_sheet_points_to_csv(audited, monkeypatch):
    monkeypatch.setattr(download, "MOST_ROWS", 2)
    response = as_(audited.auditor).get("/audit/reports/files/population.xlsx")
    assert response.status_code == Conflict.status
    assert "Take CSV" in text(response)
    assert not Entry.objects.filter(type="export.created").exists()


def test_memory_does_not_grow_with_the_rows(audited):
    def peak(rows):
        sql = f"SELECT n, repeat('x', 500) AS filler FROM generate_series(1, {rows}) AS n"
        columns = (Column("n", "n", "number"), Column("filler", "filler"))
        report = Report("many", "many", "", columns, sql, by="filler")
        filters = report_filters(audit_scope(audited.auditor), {})
        tracemalloc.start()
        for _part in download.as_csv(report.names, stream(report, filters)):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(20_000) < 1.5 * peak(4_000)


def test_closing_a_report_ends_its_statement(audited):
    rows = stream(REPORTS["population"], report_filters(audit_scope(audited.auditor), {}))
    with transaction.atomic():
        next(rows)
        rows.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_cursors")
            assert cursor.fetchone() == (0,)
