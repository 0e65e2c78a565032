"""The people and tokens of the benches: the company of the tests, made by the real services."""

import secrets

import orjson
from django.conf import settings
from django.test import Client

from approvals.lifecycle.receipt import ensure_signing_key
from portal.accounts.models import User
from tests import factories
from tests.factories import Company

CSRF = "b" * 32
JSON = {"Content-Type": "application/json"}


def found_company() -> Company:
    """Policy approves staging by itself; production asks one of two team leads."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    ensure_signing_key()
    return factories.company()


def browser(person: User) -> dict[str, str]:
    """Headers of a browser in which `person` is signed in."""
    client = Client()
    client.force_login(person)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookies = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={CSRF}"
    return {"Cookie": cookies, "X-CSRFToken": CSRF, "HX-Request": "true"}


def pipeline(company: Company) -> dict[str, str]:
    """Headers of a pipeline's call."""
    return {"Authorization": f"Bearer {company.secret}"}


def submission(environment: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a POST that asks for a deployment, each time by another run."""
    run = secrets.token_hex(8)
    body = {
        "project": "shop",
        "environment": environment,
        "action": "deploy",
        "subject": {"commit": factories.COMMIT, "ref": "refs/heads/main"},
        "run": {"id": run, "attempt": 1, "actor": "carol"},
        "reason": "Release 4.18",
    }
    return orjson.dumps(body), {**JSON, "Idempotency-Key": run}
