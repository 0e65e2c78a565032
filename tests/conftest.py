"""Shared fixtures: the database, and the people of the tests."""

import os

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from approvals.lifecycle.receipt import ensure_signing_key
from tests import factories
from tests.plugin import server_of_this_run


def worker_database() -> str:
    """The name of this xdist worker's own database."""
    return "test_" + os.environ.get("PYTEST_XDIST_WORKER", "main")


def pytest_configure():
    """Tests make many people; how slowly a password is hashed is Django's own test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker):
    """A fresh database made as in production: owner role, grants for the app role, migrations."""
    name = worker_database()
    server = server_of_this_run()
    server.drop_database(name)
    server.create_database(name)
    connection.settings_dict["NAME"] = name
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)
    yield
    with django_db_blocker.unblock():
        connection.close_pool()


@pytest.fixture
def who(db):
    """The company of most tests: see factories.Company."""
    ensure_signing_key()
    return factories.company()
