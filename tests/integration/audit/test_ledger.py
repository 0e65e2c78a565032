import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.audit import browse
from portal.access import grant_role
from portal.directory.projects import change_project, create_project
from portal.ledger.models import Entry
from portal.ledger.proofs import EntryProof
from tests.factories import person
from tests.integration.pages import as_, text


@pytest.fixture
def read(audited):
    """The numbers of the entries on a page of the ledger, in its order."""

    def numbers(reader=audited.auditor, **filters):
        response = as_(reader).get("/audit/", filters)
        assert response.status_code == 200, text(response)
        return [int(one) for one in re.findall(r'href="/audit/(\d+)/"', response.content.decode())]

    return numbers


@pytest.fixture
def one_project(audited):
    """Who audits the project shop alone, while there is another."""
    reader = person(audited.admin, "Pia Project")
    grant_role(by=audited.admin, to=reader, role="auditor", target=audited.project)
    audited.other = create_project(by=audited.admin, slug="other", name="Other")
    return reader


@pytest.fixture
def sealed(monkeypatch):
    """As if the sealer had passed: its own tests make real proofs."""
    proof = EntryProof(7, 3, 9, b'{"entry":{}}', [b"\1" * 32], "log\n9\nroot\n")
    monkeypatch.setattr("approvals.audit.entry.proof_of", lambda _number: proof)


def numbers_of(**conditions):
    return [*Entry.objects.filter(**conditions).order_by("-id").values_list("id", flat=True)]


def test_the_ledger_is_listed_newest_first_with_names(audited, read):
    assert read() == numbers_of()[: browse.PAGE]
    shown = text(as_(audited.auditor).get("/audit/", {"type": "decision.recorded"}))
    assert "Rejected decision.recorded · reject" in shown
    assert "Bob" in shown


def test_each_filter_gives_what_it_names_and_they_add_up(audited, read):
    assert read(type="decision.recorded") == numbers_of(type="decision.recorded")
    assert read(type="permit.*") == numbers_of(type__startswith="permit.")
    assert read(request=str(audited.ran.id)) == numbers_of(request=audited.ran.id)
    assert read(who="alice lead") == numbers_of(actor_ref=str(audited.alice.actor_ref))
    assert read(who=str(audited.alice.actor_ref)) == read(who="alice lead")
    assert read(outcome="reject") == numbers_of(outcome="reject")
    both = read(who="alice lead", type="decision.*", project=str(audited.project.pk))
    assert both == numbers_of(actor_ref=str(audited.alice.actor_ref), type="decision.recorded")


def test_days_are_those_of_the_reader(audited, read):
    audited.auditor.time_zone = "Pacific/Kiritimati"
    audited.auditor.save()
    newest = Entry.objects.latest("id")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (at AT TIME ZONE 'Pacific/Kiritimati')::date FROM ledger_entry WHERE id = %s",
            [newest.pk],
        )
        day = cursor.fetchone()[0].isoformat()
    assert newest.pk in read(since=day, until=day)
    assert read(until="2020-01-01") == []


def test_pages_follow_each_other_both_ways_without_a_gap(audited, monkeypatch, read):
    monkeypatch.setattr(browse, "PAGE", 4)
    ran = str(audited.ran.id)
    everything = numbers_of(request=ran)
    first = read(request=ran)
    second = read(request=ran, before=first[-1])
    assert first + second == everything[:8]
    assert read(request=ran, after=second[0]) == first


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        ({"who": "Nobody Here"}, "Nobody has this name"),
        ({"type": "request.eaten"}, "There is no such type of entry"),
        ({"since": "yesterday"}, "Write a day like"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "The first day is after the last one"),
        ({"request": "R-1"}, "Write the whole id of a request"),
        ({"project": "shop"}, "There is no such project"),
        ({"before": "9" * 30}, "A page begins at the number of an entry"),
        ({"after": "x"}, "A page begins at the number of an entry"),
    ],
)
def test_what_is_wrong_with_a_filter_is_said(audited, filters, sentence):
    response = as_(audited.auditor).get("/audit/", filters)
    assert response.status_code == 422
    assert sentence in text(response)


def test_an_auditor_of_one_project_sees_its_entries_alone(audited, one_project, read):
    mine = numbers_of(project=audited.project.pk)
    assert read(one_project) == mine[: browse.PAGE]
    (foreign,) = numbers_of(project=audited.other.pk)
    (global_one, *_others) = numbers_of(project=None)
    client = as_(one_project)
    assert client.get(f"/audit/{mine[0]}/").status_code == 200
    assert client.get(f"/audit/{foreign}/").status_code == 404
    assert client.get(f"/audit/{global_one}/").status_code == 404
    assert client.get(f"/audit/{foreign}.json").status_code == 404
    assert client.get("/audit/", {"project": str(audited.other.pk)}).status_code == 422
    assert as_(audited.auditor).get(f"/audit/{foreign}/").status_code == 200


def test_who_audits_nothing_is_told_so(audited):
    for address in ("/audit/", f"/audit/{numbers_of()[0]}/"):
        response = as_(audited.alice).get(address)
        assert response.status_code == 403
        assert "You need the role of an auditor" in text(response)


def test_a_page_costs_as_much_with_many_rows_as_with_few(audited):
    client = as_(audited.auditor)

    def cost(**filters):
        with CaptureQueriesContext(connection) as queries:
            client.get("/audit/", filters)
        return len(queries)

    assert cost() == cost(type="request.rejected") <= 14


def test_a_change_is_shown_before_and_after(audited):
    change_project(by=audited.admin, project=audited.project, name="Bold <b>Shop</b>\u202e")
    number = numbers_of(type="project.changed")[0]
    page = as_(audited.auditor).get(f"/audit/{number}/")
    assert re.search(r"What changed .* name \S+ Bold <b>Shop</b>", text(page))
    shown = page.content.decode()
    assert "<b>Shop</b>" not in shown
    assert "\u202e" not in shown


def test_an_entry_names_the_one_before_it(audited):
    newest, before, *_older = numbers_of(request=audited.ran.id)
    page = as_(audited.auditor).get(f"/audit/{newest}/").content.decode()
    assert f'href="/audit/{before}/"' in page
    assert "its hash is named here" in page
    assert bytes(Entry.objects.get(pk=newest).leaf).hex() in page
    assert "Not sealed yet" in page


def test_taking_an_entry_out_gives_its_proof_and_is_recorded(audited, sealed):
    number = numbers_of(request=audited.ran.id)[0]
    client = as_(audited.auditor)
    assert "Entry and proof" in text(client.get(f"/audit/{number}/"))
    assert numbers_of(type="evidence.read") == []
    found = client.get(f"/audit/{number}.json").json()
    assert (found["entry"], found["index"], found["size"]) == (number, 7, 9)
    assert found["checkpoint"].startswith("log\n")
    (read,) = Entry.objects.filter(type="evidence.read")
    assert read.actor_ref == str(audited.auditor.actor_ref)
    assert json.loads(bytes(read.payload))["object"]["number"] == number


def test_what_is_not_sealed_is_not_given_out(audited):
    number = numbers_of()[0]
    assert as_(audited.auditor).get(f"/audit/{number}.json").status_code == 409
    assert numbers_of(type="evidence.read") == []
