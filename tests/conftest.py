"""Shared fixtures: the database, and the people of the tests."""

import os

import hypothesis
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from approvals.lifecycle.receipt import ensure_signing_key
from tests import factories
from tests.plugin import server_of_this_run
from tests.shared import shared


def worker_database() -> str:
    """The name of this xdist worker's own database."""
    return "test_" + os.environ.get("PYTEST_XDIST_WORKER", "main")


def pytest_configure():
    """No test fails because the machine is busy, or waits for a password to be hashed slowly."""
    hypothesis.settings.register_profile(
        "countersign", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("countersign")
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
        shared.end()
        connection.close_pool()


@shared.fixture
def example_company():
    """With a key that signs permits."""
    ensure_signing_key()
    return factories.company()


@pytest.fixture
def who(example_company):
    """The company of most tests: see factories.Company."""
    return example_company


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef, request):
    """pytest-django's fixture is about to open the test's transaction; what it needs is there."""
    if fixturedef.argname == "_django_db_helper":
        with request.getfixturevalue("django_db_blocker").unblock():
            shared.before(request)
