"""Whoever audits one project reads nothing of another through any address of the evidence."""

import io
import zipfile
from itertools import product

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import reverse

from approvals.audit.reports import REPORTS
from approvals.audit.reports.download import FORMS
from approvals.models import Request
from portal.access import grant_role
from portal.access.models import Organisation
from portal.ledger.models import Entry
from tests.access.world import every_address
from tests.factories import decide, person

PLACES = ("/audit/", "/log/", "/requests/")
SECRET = "Zanzibar 17"


@pytest.fixture(scope="module")
def audited(world, django_db_setup, django_db_blocker):
    """The world, somebody who audits bank alone, and what of shop must never reach them."""
    with django_db_blocker.unblock(), transaction.atomic():
        whole = Organisation.objects.get()
        paula, olga = (person(world.company.admin, name) for name in ("Paula One", "Olga All"))
        grant_role(by=world.company.admin, to=paula, role="auditor", target=world.bank.project)
        grant_role(by=world.company.admin, to=olga, role="auditor", target=whole)
        decide(world.shop.request, world.company.alice, "reject", SECRET)
        world.readers = {"paula": paula, "olga": olga}
        for name, reader in world.readers.items():
            client = Client()
            client.force_login(reader)
            world.cookies[name] = client.cookies[settings.SESSION_COOKIE_NAME].value
        yield world
        transaction.set_rollback(True)


def secrets_of(place):
    """What stands in anything that is written about this project, and nowhere else."""
    objects = [place.project, place.environment, place.request, place.account, place.token]
    entries = Entry.objects.filter(project=place.project.pk)
    links = {f'"/audit/{one.pk}/"' for one in entries} | {str(one.event_id) for one in entries}
    digest = Request.objects.get(pk=place.request.pk).digest
    return links | {SECRET, digest, *(str(one.pk) for one in objects)}


def addresses(world, place):
    """Every address of the evidence, about this project; reports in each form."""
    for name, parameters in every_address().items():
        known = world.arguments(name, parameters, place)
        choices = {"report_name": REPORTS, "form": FORMS}
        varied = [one for one in choices if one in parameters]
        for values in product(*(choices[one] for one in varied)):
            address = reverse(name, kwargs={**known, **dict(zip(varied, values, strict=True))})
            if address.startswith(PLACES):
                yield name, address


def questions(place):
    """As if it were theirs: each filter there is, with what is in this project."""
    project, environment = str(place.project.pk), str(place.environment.pk)
    where = {"project": project, "environment": environment, "request": str(place.request.pk)}
    yield from product(["get"], [{}, *({name: value} for name, value in where.items())])
    yield "get", {"who": "Alice Lead", "index": "0", "size": "1", "old": "1", "new": "1"}
    yield "post", where


def told(world, reader, method, address, query):
    """Status and text that a reader gets; a file is unpacked. What it did is undone."""
    world.client.cookies.clear()
    world.client.cookies[settings.SESSION_COOKIE_NAME] = world.cookies[reader]
    with transaction.atomic():
        response = getattr(world.client, method)(address, query)
        body = b"".join(response) if response.streaming else response.content
        written = Entry.objects.filter(actor_ref=str(world.readers[reader].actor_ref))
        touched = {str(one) for one in written.values_list("project", flat=True)}
        transaction.set_rollback(True)
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            body = b"\n".join(packed.read(name) for name in packed.namelist())
    return response.status_code, body.decode(errors="replace"), touched


def test_an_auditor_of_one_project_reads_nothing_of_another_at_any_address(audited):
    secret, mine = secrets_of(audited.shop), str(audited.bank.project.pk)
    for name, address in addresses(audited, audited.shop):
        for method, query in questions(audited.shop):
            status, text, touched = told(audited, "paula", method, address, query)
            asked = " ".join([address, *query.values()])
            leaked = {one for one in secret if one in text and one.strip('"') not in asked}
            assert not leaked, (name, method, query, status)
            assert touched <= {mine, "None"}, (name, method, query, status)


def test_what_is_kept_from_them_is_what_an_auditor_of_everything_reads(audited):
    secret = secrets_of(audited.shop)
    read = set()
    for _name, address in addresses(audited, audited.shop):
        _status, text, _touched = told(audited, "olga", "get", address, {})
        read |= {one for one in secret if one in text}
    assert {SECRET, str(audited.shop.project.pk), str(audited.shop.request.pk)} <= read
    assert any(one.startswith('"/audit/') for one in read)


def test_they_read_their_own(audited):
    found = [
        (name, *told(audited, "paula", "get", address, {}))
        for name, address in addresses(audited, audited.bank)
    ]
    read = {name for name, status, *_ in found if status == 200}
    assert {"ledger", "ledger-entry", "report", "report-file"} <= read
    assert any(str(audited.bank.request.pk) in text for _name, _status, text, _ in found)
