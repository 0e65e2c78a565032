"""Directories: connected by administrators, their token shown once, what they keep named."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.urls import reverse

from portal.directory.groups import create_group
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden, Invalid, Unauthenticated
from portal.ledger.models import Entry
from portal.scim.directories import archive_directory, create_directory, renew_token
from portal.scim.hand_over import give_group, give_person, take_group, take_person
from portal.scim.models import Directory, KeptGroup, KeptPerson
from portal.scim.tokens import authenticate_directory
from tests.integration.company import last_entry
from tests.integration.pages import as_, text


def bearer(secret):
    return authenticate_directory(f"Bearer {secret}")


def test_the_token_opens_its_directory_and_stands_nowhere_in_the_database(entra):
    assert bearer(entra.secret) == entra.directory
    hidden = entra.secret.rsplit("_", 1)[1]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{hidden}%"]
            )
            assert cursor.fetchone()[0] == 0, table
    assert not any(hidden.encode() in bytes(entry.payload) for entry in Entry.objects.all())
    assert entra.directory.prefix in last_entry("directory.created")


def test_nothing_but_the_token_opens_it(entra):
    wrong = entra.secret[:-1] + ("0" if entra.secret[-1] != "0" else "1")
    for header in ("", "Bearer", "Bearer x", "Basic {}", "Bearer {}0", "Bearer cst_{}",
                   "Bearer {0} {0}", f"Bearer {wrong}"):  # fmt: skip
        with pytest.raises(Unauthenticated):
            authenticate_directory(header.format(entra.secret))
    assert bearer(entra.secret)


def test_a_new_token_ends_the_one_before(company, entra):
    secret = renew_token(by=company.ada, directory=entra.directory)
    with pytest.raises(Unauthenticated):
        bearer(entra.secret)
    assert bearer(secret) == entra.directory
    assert entra.directory.prefix not in last_entry("directory.token_renewed")


def test_the_last_use_is_noted_once_a_minute(entra):
    bearer(entra.secret)
    noted = Directory.objects.get().last_used_at
    bearer(entra.secret)
    assert Directory.objects.get().last_used_at == noted
    Directory.objects.update(last_used_at=now() - timedelta(minutes=2))
    bearer(entra.secret)
    assert Directory.objects.get().last_used_at > noted


def test_only_administrators_have_to_do_with_directories(company, entra):
    directory = entra.directory
    for by in (company.max, company.vera, company.gus, company.olga):
        for refused in (
            partial(create_directory, by=by, name="okta"),
            partial(renew_token, by=by, directory=directory),
            partial(archive_directory, by=by, directory=directory),
            partial(give_person, by=by, directory=directory, person=company.olga),
            partial(give_group, by=by, directory=directory, group=company.leads),
            partial(take_person, by=by, directory=directory, person=company.olga),
            partial(take_group, by=by, directory=directory, group=company.leads),
        ):
            with pytest.raises(Forbidden):
                refused()
    give_person(by=company.ada, directory=directory, person=company.olga)
    give_group(by=company.ada, directory=directory, group=company.leads)
    take_person(by=company.ada, directory=directory, person=company.olga)
    take_group(by=company.ada, directory=directory, group=company.leads)
    assert str(company.leads.pk) in last_entry("directory.taken")


def test_a_name_is_given_once_even_after_its_directory_was_archived(company, entra):
    archive_directory(by=company.ada, directory=entra.directory)
    with pytest.raises(Invalid):
        create_directory(by=company.ada, name="entra")


def test_one_directory_keeps_a_person_or_group_and_nobody_hands_themselves_over(company, entra):
    okta, _ = create_directory(by=company.ada, name="okta")
    give_person(by=company.ada, directory=okta, person=company.olga)
    give_group(by=company.ada, directory=okta, group=company.leads)
    with pytest.raises(Conflict, match="kept by okta"):
        give_person(by=company.ada, directory=entra.directory, person=company.olga)
    with pytest.raises(Conflict, match="kept by okta"):
        give_group(by=company.ada, directory=entra.directory, group=company.leads)
    with pytest.raises(Forbidden):
        give_person(by=company.ada, directory=entra.directory, person=company.ada)


def test_an_archived_directory_opens_nothing_and_keeps_nothing(company, entra):
    give_person(by=company.ada, directory=entra.directory, person=company.olga)
    give_group(by=company.ada, directory=entra.directory, group=company.leads)
    archive_directory(by=company.ada, directory=entra.directory)
    with pytest.raises(Unauthenticated):
        bearer(entra.secret)
    with pytest.raises(Conflict):
        renew_token(by=company.ada, directory=entra.directory)
    assert not KeptPerson.objects.exists() and not KeptGroup.objects.exists()
    assert '"people":1' in last_entry("directory.archived")


def test_an_administrator_connects_one_and_hands_over_on_the_pages(company):
    ada = as_(company.ada)
    made = ada.post(reverse("directory-new"), {"name": "okta"})
    assert "csd_" in made.content.decode() and "no-store" in made["Cache-Control"]
    okta = Directory.objects.get()
    assert bearer(made.context["secret"]) == okta
    arguments = [okta.pk]
    ada.post(reverse("directory-give-person", args=arguments), {"person": "olga"})
    form = {"group": "leads", "display_name": "Team Leads"}
    ada.post(reverse("directory-give-group", args=arguments), form)
    page = text(ada.get(reverse("directory", args=arguments)))
    assert "Olga" in page and "Team Leads" in page and "/scim/v2" in page
    assert "csd_" not in text(ada.get(reverse("directories")))
    again = ada.post(reverse("directory-give-group", args=arguments), form)
    assert again.status_code == 422, "no longer offered"
    for name, of in (("person", company.olga), ("group", company.leads)):
        ada.post(reverse(f"directory-take-{name}", args=[okta.pk, of.pk]))
    ada.post(reverse("directory-archive", args=arguments))
    assert "Archived" in text(ada.get(reverse("directory", args=arguments)))


def test_a_get_renews_and_archives_nothing(company, entra):
    ada = as_(company.ada)
    for name in ("directory-token", "directory-archive"):
        assert ada.get(reverse(name, args=[entra.directory.pk])).status_code == 200
    assert bearer(entra.secret)


def test_the_group_of_a_name_may_be_handed_over_again(company, entra):
    dba = create_group(by=company.ada, name="dba")
    give_group(by=company.ada, directory=entra.directory, group=dba)
    take_group(by=company.ada, directory=entra.directory, group=dba)
    assert give_group(by=company.ada, directory=entra.directory, group=dba)
