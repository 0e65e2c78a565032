"""Who reads the ledger is told what is archived, and nobody is told it of others' projects."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError

from approvals.models import Request
from approvals.queries.history import archived_part
from portal.access import grant_role
from portal.directory.projects import create_project
from portal.ledger.models import Entry
from portal.ledger.proofs import proof_of
from portal.ledger.stored_tiles import NoTile
from portal.ledger.tiles import Archived, leaves_between
from tests.factories import person
from tests.integration.audit.archiving import FILE, MONTH, archive, run, sql
from tests.integration.pages import as_, text


@pytest.fixture
def gone(past):
    """The numbers of the request's entries, all of them in a file."""
    past.numbers = [*Entry.objects.filter(request=past.ran.pk).values_list("id", flat=True)]
    past.numbers.sort()
    past.leaf = proof_of(past.numbers[0])
    archive(past, yes=True)
    return past


def test_the_page_of_an_archived_entry_says_where_it_is_and_what_still_holds(gone):
    number = gone.numbers[0]
    page = as_(gone.auditor).get(f"/audit/{number}/")
    assert page.status_code == 200
    shown = text(page)
    assert f"archived with its month, {MONTH}, in the file {FILE}" in shown
    assert "under the signed root" in shown
    file = as_(gone.auditor).get(f"/audit/{number}.json")
    assert file.status_code == 410
    assert FILE in text(file)
    run("restore_ledger", gone.folder / FILE)
    assert "What it says" in text(as_(gone.auditor).get(f"/audit/{number}/"))


def test_a_hash_that_was_changed_is_told_on_that_page(gone):
    sql("ALTER TABLE ledger_leaf DISABLE TRIGGER USER")
    sql("UPDATE ledger_leaf SET hash = sha256('x') WHERE entry = %s", gone.numbers[0])
    shown = text(as_(gone.auditor).get(f"/audit/{gone.numbers[0]}/"))
    assert "not under the newest signed root" in shown


def test_an_auditor_of_another_project_is_not_told_of_the_entry(gone):
    other = create_project(by=gone.admin, slug="other", name="Other")
    reader = person(gone.admin, "Pia Project")
    grant_role(by=gone.admin, to=reader, role="auditor", target=other)
    assert as_(reader).get(f"/audit/{gone.numbers[0]}/").status_code == 404
    assert as_(reader).get(f"/audit/{gone.numbers[0]}.json").status_code == 404


def test_the_log_says_archived_instead_of_broken(gone):
    with pytest.raises(Archived, match=f"{MONTH} is archived in {FILE}"):
        proof_of(gone.numbers[0])
    with pytest.raises(NoTile):
        leaves_between(gone.leaf.index, gone.leaf.index + 1)


def test_the_ledger_and_the_seal_name_archived_months(gone):
    client = as_(gone.auditor)
    assert f"Archived, and not listed here: {MONTH}." in text(
        client.get("/audit/", {"request": str(gone.ran.pk)})
    )
    seal = text(client.get("/audit/seal/"))
    assert f"Archived months Month File Entries Archived {MONTH} {FILE}" in seal
    run("restore_ledger", gone.folder / FILE)
    assert "not listed here" not in text(client.get("/audit/", {"request": str(gone.ran.pk)}))


def test_the_history_of_a_request_says_how_much_of_it_is_archived(gone):
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("ALTER TABLE approvals_request DISABLE TRIGGER USER")
    Request.objects.filter(pk=gone.ran.pk).update(created_at=datetime(2024, 3, 10, tzinfo=UTC))
    request = Request.objects.get(pk=gone.ran.pk)
    said = f"{len(gone.numbers)} entries are archived, in {MONTH}."
    assert archived_part(request).startswith(said)
    page = as_(gone.alice).get(f"/requests/{gone.ran.pk}")
    assert said in text(page)
    run("restore_ledger", gone.folder / FILE)
    assert archived_part(request) == ""


MARCH = {"since": "2024-03-01", "until": "2024-03-31"}


@pytest.mark.parametrize("name", ["changes", "reading", "drift"])
def test_a_report_of_entries_says_what_is_missing_and_is_no_file(gone, name):
    client = as_(gone.auditor)
    said = f"Entries of {MONTH} are archived: their rows are missing here."
    assert said in text(client.get(f"/audit/reports/{name}", MARCH))
    file = client.get(f"/audit/reports/files/{name}.csv", MARCH)
    assert file.status_code == 409
    assert said in text(file)
    later = {"since": "2024-05-05", "until": "2024-05-31"}
    assert "archived" not in text(client.get(f"/audit/reports/{name}", later))
    assert client.get(f"/audit/reports/files/{name}.csv", later).status_code == 200


def test_drift_looks_back_to_the_approval(gone):
    april = {"since": "2024-04-10", "until": "2024-04-30"}
    assert "are archived" in text(as_(gone.auditor).get("/audit/reports/drift", april))


@pytest.mark.parametrize("name", ["population", "by-policy", "access-review"])
def test_a_report_with_columns_from_the_ledger_says_that_they_may_be_empty(gone, name):
    client = as_(gone.auditor)
    said = f"empty where it is archived: {MONTH}."
    assert said in text(client.get(f"/audit/reports/{name}"))
    assert client.get(f"/audit/reports/files/{name}.csv").status_code == 200
    run("restore_ledger", gone.folder / FILE)
    assert "archived" not in text(client.get(f"/audit/reports/{name}"))


def test_nobody_is_erased_while_an_archive_alone_tells_whose_a_reason_is(gone):
    march = datetime(2024, 3, 10, tzinfo=UTC)
    run("erase", "carol", by="dee")
    changed = {"status": "withdrawn", "ended_reason": "Zuzana asked", "ended_at": march}
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("ALTER TABLE approvals_request DISABLE TRIGGER USER")
    Request.objects.filter(pk=gone.ran.pk).update(**changed)
    with pytest.raises(CommandError, match=f"stands in its archive, {FILE}"):
        run("erase", "carol", by="dee")
    run("restore_ledger", gone.folder / FILE)
    assert "reasons of a withdrawal" in run("erase", "carol", by="dee")
