"""The company, a real SAML provider on loopback, and a browser that goes there and back."""

from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from portal.oidc.saml_providers import check_saml_provider, create_saml_provider
from tests.integration.company import company, quick_passwords
from tests.saml import Elsewhere

__all__ = ["company", "quick_passwords"]


@pytest.fixture(scope="session")
def their_server():
    server = Elsewhere()
    yield server
    server.stop()


@pytest.fixture
def elsewhere(their_server):
    """The provider as it begins: it knows nobody yet."""
    their_server.is_somebody("")
    return their_server


@pytest.fixture
def unchecked(company, elsewhere):
    """It, as an administrator sets it up; it speaks http inside this network."""
    return create_saml_provider(
        by=company.ada,
        name="Elsewhere",
        metadata=elsewhere.metadata(),
        groups_claim="groups",
        private=True,
    )


@pytest.fixture
def provider(company, unchecked):
    """It, checked: people may sign in."""
    return check_saml_provider(by=company.ada, provider=unchecked)


@pytest.fixture
def visitor():
    return Client()


def begin(visitor, provider, **form):
    """The address of the provider that the portal sends somebody to."""
    answer = visitor.post(f"/account/provider/{provider.pk}/login", form)
    assert answer.status_code == 200
    return answer["Refresh"].removeprefix("0; url=")


def there(elsewhere, url):
    """What the provider has the browser bring back: a path here, and the fields of its form."""
    address, fields = elsewhere.go(url)
    assert address.startswith(settings.PUBLIC_URL)
    return urlsplit(address).path, fields


def bring(visitor, path, fields):
    """Both posts: by the provider's page, without our session, and then by ours."""
    first = Client().post(path, fields, headers={"origin": "http://127.0.0.1:1"})
    assert first.status_code == 200 and not first.cookies
    assert f'value="{fields["RelayState"]}"' in first.content.decode()
    return visitor.post(path, {**fields, "again": "1"})


def sign_in(visitor, provider, elsewhere, **form):
    """There and back: the portal's answer."""
    return bring(visitor, *there(elsewhere, begin(visitor, provider, **form)))
