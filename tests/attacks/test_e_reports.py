"""Letter E of the attacks: people and pipelines name themselves, and auditors open the tables.

E7 and E9 for reports: whatever stands in a name or a reason comes out of no report as a formula or
unseen, in any table that a spreadsheet program opens.
"""

import csv
import io
import re

import openpyxl
import pytest

from approvals.audit.reports import REPORTS
from approvals.lifecycle.withdraw import revoke_request
from portal.access import grant_role
from portal.access.models import Organisation
from portal.directory.groups import add_member
from portal.directory.models import ApproverGroup
from portal.ledger.models import Entry
from tests.attacks.surfaces import browser
from tests.attacks.test_e_text import UNSEEN
from tests.factories import ask, decide, person

HOSTILE = {
    "formula": "=1+1",
    "minus": "-1+1",
    "no-break space": "\N{NO-BREAK SPACE}=1+1",
    "wide": "＝1+1",
    "reordering": "\u202e=1+1",
}
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")


@pytest.fixture(params=HOSTILE)
def text(request):
    return HOSTILE[request.param]


@pytest.fixture
def auditor(who, text):
    """Requests, decisions, roles and a void, in all of which somebody is called so."""
    eve = person(who.admin, text, "eve")
    add_member(by=who.admin, group=ApproverGroup.objects.get(name="team-leads"), person=eve)
    grant_role(by=who.admin, to=eve, role="auditor", target=Organisation.objects.get())
    run = {"id": "9", "attempt": 1, "actor": text}
    approved = decide(ask(who, run=run, reason=text), eve, comment=text)
    revoke_request(by=eve, request_id=approved.id, reason=text)
    ask(who, "staging", run={**run, "id": "10"}, reason=text)
    return eve


def tables(auditor, name):
    """The cells of a report, of both its tables."""
    taken = {}
    for form in ("csv", "xlsx"):
        response = browser(auditor).get(f"/audit/reports/files/{name}.{form}")
        assert response.status_code == 200
        taken[form] = b"".join(response.streaming_content)
    yield from (cell for row in csv.reader(io.StringIO(taken["csv"].decode())) for cell in row)
    sheet = openpyxl.load_workbook(io.BytesIO(taken["xlsx"])).active
    for row in sheet.iter_rows():
        for cell in row:
            assert cell.data_type != "f"
            yield cell.value if isinstance(cell.value, str) else ""


def test_control_chars_in_reports(auditor):
    named = set()
    for name in REPORTS:
        for cell in tables(auditor, name):
            assert not FORMULA.match(cell), (name, cell)
            assert not UNSEEN.search(cell), (name, ascii(cell))
            if "1+1" in cell:
                named.add(name)
    assert {"population", "separation", "drift", "access-review", "reading"} <= named
    assert Entry.objects.filter(type="export.finished").count() == 2 * len(REPORTS)
