"""Project tokens: issued by maintainers, recognised in one query, never stored in clear."""

from datetime import timedelta

import pytest
from django.db import connection

from portal.accounts.authentication import (
    MAX_LIFETIME,
    authenticate_token,
    issue_token,
    require_environment,
    require_scope,
    revoke_token,
)
from portal.accounts.models import ProjectToken
from portal.accounts.service_accounts import (
    deactivate_service_account,
    reactivate_service_account,
)
from portal.directory.environments import archive_environment, create_environment
from portal.directory.projects import archive_project
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden, Invalid, Unauthenticated
from portal.ledger.models import Entry
from tests.integration.company import entries


def test_a_token_is_recognised_in_one_query(company, django_assert_num_queries):
    token, secret = company.token(environments=[company.production])
    authenticate_token(secret)
    with django_assert_num_queries(1):
        found = authenticate_token(secret)
        assert found == token
        assert found.account.project == company.shop
        assert found.environment_ids == [company.production.pk]


def test_the_secret_stands_nowhere_in_the_database(company):
    token, secret = company.token()
    authenticate_token(secret)
    hidden = secret.rsplit("_", 1)[1]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{hidden}%"]
            )
            assert cursor.fetchone()[0] == 0, table
    assert not any(hidden.encode() in bytes(entry.payload) for entry in Entry.objects.all())
    assert token.prefix in entries("token.created")[-1]


def test_use_is_noted_at_most_once_a_minute(company):
    _token, secret = company.token()
    first = authenticate_token(secret).last_used_at
    assert first is not None
    assert authenticate_token(secret).last_used_at == first
    ProjectToken.objects.update(last_used_at=first - timedelta(seconds=61))
    assert authenticate_token(secret).last_used_at > first


@pytest.mark.parametrize(
    "spoil",
    [
        lambda secret: secret[:-1] + ("0" if secret[-1] != "0" else "1"),
        lambda secret: secret.replace("cst_", "cst_0", 1),
        lambda secret: secret + "0",
        lambda secret: secret + "\n",
        lambda secret: secret.upper(),
        lambda secret: "",
        lambda secret: "cst_\0",
        lambda secret: "ä" * 10_000,
    ],
)
def test_anything_else_is_refused(company, spoil):
    _token, secret = company.token()
    assert authenticate_token(secret)
    with pytest.raises(Unauthenticated) as refusal:
        authenticate_token(spoil(secret))
    assert refusal.value.code == "unauthenticated"


def test_an_expired_token_says_so(company):
    token, secret = company.token()
    ProjectToken.objects.filter(pk=token.pk).update(expires_at=now())
    with pytest.raises(Unauthenticated) as refusal:
        authenticate_token(secret)
    assert refusal.value.code == "token-expired"


def test_an_expired_prefix_with_a_wrong_secret_tells_nothing(company):
    token, secret = company.token()
    ProjectToken.objects.filter(pk=token.pk).update(expires_at=now())
    with pytest.raises(Unauthenticated) as refusal:
        authenticate_token(secret[:-8] + "0" * 8)
    assert refusal.value.code == "unauthenticated"


def test_a_revoked_token_is_refused_and_recorded_once(company):
    token, secret = company.token()
    revoke_token(by=company.max, token=token)
    revoke_token(by=company.max, token=token)
    assert len(entries("token.revoked")) == 1
    with pytest.raises(Unauthenticated, match="revoked"):
        authenticate_token(secret)


def test_tokens_rest_with_their_account(company):
    account = company.account()
    _token, secret = company.token(account=account)
    deactivate_service_account(by=company.max, account=account)
    with pytest.raises(Unauthenticated, match="out of use"):
        authenticate_token(secret)
    reactivate_service_account(by=company.max, account=account)
    assert authenticate_token(secret)


def test_tokens_rest_with_their_project(company):
    _token, secret = company.token()
    assert authenticate_token(secret)
    archive_project(by=company.ada, project=company.shop)
    with pytest.raises(Unauthenticated, match="out of use"):
        authenticate_token(secret)


@pytest.mark.parametrize("name", ["vera", "gus", "olga"])
def test_only_maintainers_issue_and_revoke(company, name):
    account = company.account()
    token, secret = company.token(account=account)
    somebody = getattr(company, name)
    with pytest.raises(Forbidden):
        issue_token(by=somebody, account=account, scopes=["request"])
    with pytest.raises(Forbidden):
        revoke_token(by=somebody, token=token)
    assert authenticate_token(secret)


def test_a_token_lasts_ninety_days_unless_said_otherwise(company):
    token, _secret = company.token()
    assert timedelta(days=89) < token.expires_at - now() <= timedelta(days=90)


@pytest.mark.parametrize("lifetime", [timedelta(0), -timedelta(days=1), MAX_LIFETIME * 2])
def test_a_token_needs_an_end_within_the_year(company, lifetime):
    account = company.account()
    assert company.token(account=account, expires_at=now() + MAX_LIFETIME)
    with pytest.raises(Invalid):
        company.token(account=account, expires_at=now() + lifetime)


@pytest.mark.parametrize("scopes", [[], ["request", "decide"], [""]])
def test_a_token_needs_known_scopes(company, scopes):
    with pytest.raises(Invalid):
        company.token(scopes=scopes)


def test_a_token_may_not_name_foreign_or_archived_environments(company):
    account = company.account()
    foreign = create_environment(
        by=company.ada, project=company.bank, name="production", tier="production"
    )
    assert company.token(account=account, environments=[company.production])
    with pytest.raises(Invalid):
        company.token(account=account, environments=[foreign])
    archive_environment(by=company.max, environment=company.production)
    company.production.refresh_from_db()
    with pytest.raises(Invalid):
        company.token(account=account, environments=[company.production])


def test_no_tokens_for_an_account_out_of_use(company):
    account = company.account()
    deactivate_service_account(by=company.max, account=account)
    with pytest.raises(Conflict):
        company.token(account=account)


def test_scopes_and_environments_limit_a_token(company):
    staging = create_environment(
        by=company.max, project=company.shop, name="staging", tier="staging"
    )
    _token, secret = company.token(scopes=["read"], environments=[staging])
    token = authenticate_token(secret)
    require_scope(token, "read")
    require_environment(token, staging.pk)
    with pytest.raises(Forbidden) as refusal:
        require_scope(token, "request")
    assert refusal.value.code == "missing-scope"
    with pytest.raises(Forbidden) as refusal:
        require_environment(token, company.production.pk)
    assert refusal.value.code == "foreign-environment"


def test_a_token_without_environments_may_ask_for_all(company):
    token, secret = company.token()
    require_environment(authenticate_token(secret), company.production.pk)
    require_environment(token, company.production.pk)
