"""The company, a real OpenID provider on loopback, and a browser that goes there and back."""

from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from portal.oidc.confirm import return_url
from portal.oidc.exchange import callback_url
from portal.oidc.providers import check_provider, create_provider
from tests.integration.company import company, quick_passwords
from tests.openid import CLIENT_ID, SECRET, Elsewhere

__all__ = ["company", "quick_passwords"]


@pytest.fixture(scope="session")
def their_server():
    server = Elsewhere()
    yield server
    server.stop()


@pytest.fixture
def elsewhere(their_server):
    """The provider as it begins: it knows nobody yet, and sends claims by userinfo."""
    their_server.told(
        account="", claims={}, method="client_secret_post", inIdToken=False, signedInAt=None
    )
    return their_server


def set_up(by, elsewhere):
    """It, as an administrator sets it up, on both sides."""
    made = create_provider(
        by=by,
        name="Elsewhere",
        issuer=elsewhere.issuer,
        client_id=CLIENT_ID,
        secret=SECRET,
        scopes="openid profile email groups",
        private=True,
    )
    elsewhere.told(redirectUris=[callback_url(made), return_url(made)])
    return made


@pytest.fixture
def unchecked(company, elsewhere):
    return set_up(company.ada, elsewhere)


@pytest.fixture
def provider(company, unchecked):
    """It, checked: people may sign in."""
    return check_provider(by=company.ada, provider=unchecked)


@pytest.fixture
def visitor():
    return Client()


def begin(visitor, provider, **form):
    """The address of the provider that the portal sends somebody to."""
    answer = visitor.post(f"/account/provider/{provider.pk}/login", form)
    assert answer.status_code == 200
    return answer["Refresh"].removeprefix("0; url=")


def there(elsewhere, url):
    """What the provider has the browser bring back: an address here, without its host."""
    back = elsewhere.go(url)
    assert back.startswith(settings.PUBLIC_URL)
    parts = urlsplit(back)
    return f"{parts.path}?{parts.query}"


def sign_in(visitor, provider, elsewhere, **form):
    """There and back: the portal's answer."""
    return visitor.get(there(elsewhere, begin(visitor, provider, **form)))
