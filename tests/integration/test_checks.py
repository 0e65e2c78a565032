"""The checks that keep an unsafe installation from serving."""

import psycopg
import pytest
from django.db import connection

from portal.config.checks import address_is_public, checkpoint_key_is_apart, ledger_is_safe
from tests.conftest import worker_database
from tests.plugin import server_of_this_run

pytestmark = pytest.mark.django_db


def ids(found):
    return {message.id for message in found}


def test_a_database_that_forgets_acknowledged_entries_is_an_error():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
    assert "countersign.E002" in ids(ledger_is_safe(["default"]))


def test_a_role_that_could_rewrite_the_ledger_is_a_warning():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
    assert ids(ledger_is_safe(["default"])) == {"countersign.W001"}  # tests run as the owner


def test_the_app_role_is_fine(monkeypatch):
    url = server_of_this_run().url("countersign_app", worker_database())
    with psycopg.connect(url) as found:
        found.execute("SET synchronous_commit = on")
        monkeypatch.setattr("portal.config.checks.connections", {"default": found})
        assert ledger_is_safe(["default"]) == []


def test_an_address_without_tls_is_a_warning(settings):
    settings.PUBLIC_URL = "http://countersign.example"
    assert ids(address_is_public()) == {"countersign.W002"}
    settings.PUBLIC_URL = "https://countersign.example"
    assert address_is_public() == []


def test_who_serves_pages_must_not_be_able_to_read_the_key_of_the_checkpoints(settings, tmp_path):
    settings.CHECKPOINT_KEY_FILE = tmp_path / "checkpoint.pem"
    assert checkpoint_key_is_apart() == []
    settings.CHECKPOINT_KEY_FILE.write_text("a key")
    settings.EMBEDDED = False
    assert ids(checkpoint_key_is_apart()) == {"countersign.E004"}
    settings.EMBEDDED = True
    assert ids(checkpoint_key_is_apart()) == {"countersign.W003"}
