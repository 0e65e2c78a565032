"""The checks that keep an unsafe installation from serving."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from portal.config.checks import (
    address_is_public,
    checkpoint_key_is_apart,
    ledger_is_safe,
    nothing_of_development,
    parts_talk_in_private,
    secrets_have_their_own_key,
)
from tests.conftest import worker_database
from tests.plugin import server_of_this_run

pytestmark = pytest.mark.django_db
CHECKOUT = Path(__file__).parents[2]


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


@pytest.mark.parametrize("name", ["checkpoint.pem", "checkpoint.previous.pem"])
def test_who_serves_pages_must_not_be_able_to_read_a_key_of_checkpoints(settings, tmp_path, name):
    settings.CHECKPOINT_KEY_FILE = tmp_path / "checkpoint.pem"
    assert checkpoint_key_is_apart() == []
    (tmp_path / name).write_text("a key")
    settings.EMBEDDED = False
    assert ids(checkpoint_key_is_apart()) == {"countersign.E004"}
    settings.EMBEDDED = True
    assert ids(checkpoint_key_is_apart()) == {"countersign.W003"}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [("DEBUG", True, "countersign.E005"), ("ALLOWED_HOSTS", ["*"], "countersign.E006")],
)
def test_what_is_for_development_does_not_serve_a_public_address(settings, name, value, problem):
    settings.PUBLIC_URL = "https://countersign.example"
    assert nothing_of_development() == []
    setattr(settings, name, value)
    assert ids(nothing_of_development()) == {problem}
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    assert nothing_of_development() == []


def test_secrets_that_hang_on_the_secret_key_are_a_warning(settings):
    settings.SECRETS_KEY = []
    assert ids(secrets_have_their_own_key()) == {"countersign.W004"}
    settings.SECRETS_KEY = ["k" * 40]
    assert secrets_have_their_own_key() == []


@pytest.mark.parametrize(
    ("host", "mode", "broker", "problems"),
    [
        ("/run/postgresql", "", "redis+socket:///run/broker", set()),
        ("127.0.0.1", "", "redis://localhost:6379", set()),
        ("db.example", "verify-full", "rediss://broker.example", set()),
        ("db.example", "require", "amqps://broker.example", {"countersign.W005"}),
        ("db.example", "verify-ca", "amqp://broker.example", {"countersign.W006"}),
    ],
)
def test_parts_on_other_machines_are_reached_in_private(
    settings, monkeypatch, host, mode, broker, problems
):
    monkeypatch.setitem(settings.DATABASES["default"], "HOST", host)
    monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", {"sslmode": mode})
    settings.CELERY_BROKER_URL = broker
    assert ids(parts_talk_in_private()) == problems


def test_a_deployment_by_the_book_has_nothing_to_say():
    """`manage.py check --deploy` with the settings of docs/how-to/run-in-production.md."""
    environment = {
        "PATH": os.environ["PATH"],
        "COUNTERSIGN_URL": "https://countersign.example",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "SECRETS_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": "postgresql://app@db.example/countersign?sslmode=verify-full",
        "BROKER_URL": "rediss://broker.example",
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
