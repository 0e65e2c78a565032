"""Auditors, and requests that went different ways, all through the real services."""

import csv
import io
import json

import pytest

from approvals.lifecycle.finish import finish_permit, heartbeat
from approvals.states import PermitStatus
from portal.access import grant_role
from portal.access.models import Organisation
from tests.factories import ask, decide, person, redeem
from tests.integration.audit.archiving import seal, sql, today
from tests.integration.pages import as_


def ran_to_its_end(who, request):
    """The permit of an approved request, used and finished."""
    permit = redeem(who, request)
    run = {"run_id": request.run["id"], "run_attempt": request.run["attempt"]}
    heartbeat(token=who.token, permit_id=permit.id, **run)
    finish_permit(
        token=who.token, permit_id=permit.id, outcome=PermitStatus.SUCCEEDED, exit_code=0, **run
    )
    return permit


@pytest.fixture
def audited(who):
    """One approved by a lead and run, one by policy, one denied, one rejected, one waiting."""
    who.auditor = person(who.admin, "Olga Auditor")
    grant_role(by=who.admin, to=who.auditor, role="auditor", target=Organisation.objects.get())
    who.ran = decide(ask(who), who.alice)
    who.permit = ran_to_its_end(who, who.ran)
    who.alone = ask(who, "staging")
    who.denied = ask(who, "testing")
    who.rejected = decide(ask(who), who.bob, "reject", "Not on a Friday")
    who.waiting = ask(who)
    return who


@pytest.fixture
def taken():
    """Take a report out as `person`; its rows by the names of their columns."""

    def take(person, name, form="jsonl", **filters):
        response = as_(person).get(f"/audit/reports/files/{name}.{form}", filters)
        assert response.status_code == 200, response.content
        body = b"".join(response.streaming_content)
        if form == "jsonl":
            return [json.loads(line) for line in body.splitlines()]
        if form == "csv":
            return list(csv.DictReader(io.StringIO(body.decode())))
        return body

    return take


@pytest.fixture
def long_ago(db):
    """What is recorded is recorded as of March 2024, until `today`."""
    sql("SELECT countersign_ledger_partition('2024-03-01')")
    sql("ALTER TABLE ledger_entry ALTER at SET DEFAULT "
        "'2024-03-10 12:00+00'::timestamptz + (clock_timestamp() - now())")  # fmt: skip


@pytest.fixture
def past(long_ago, who, tmp_path):
    """A request of that month that ran to its end; all of it is sealed."""
    who.folder = tmp_path / "archive"
    who.key_file = tmp_path / "key.pem"
    who.auditor = person(who.admin, "Olga Auditor")
    grant_role(by=who.admin, to=who.auditor, role="auditor", target=Organisation.objects.get())
    who.ran = decide(ask(who), who.alice)
    ran_to_its_end(who, who.ran)
    today()
    seal(who)
    return who
