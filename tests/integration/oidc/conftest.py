"""The company, a real OpenID provider on loopback, and a browser that goes there and back."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from django.conf import settings
from django.test import Client

from portal.oidc.exchange import callback_url
from portal.oidc.providers import check_provider, create_provider
from tests.integration.company import company, quick_passwords
from tests.npm import node, npm_packages

__all__ = ["company", "quick_passwords"]

SECRET = "their secret: s3cret"
SECONDS = 60


class Elsewhere:
    """The provider: who signs in there next, and with which claims."""

    def __init__(self, modules):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{port}"
        self._web = requests.Session()
        self._web.trust_env = False
        script = Path(__file__).with_name("provider.mjs")
        self._process = subprocess.Popen(
            [node(), script, modules, str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait()

    def _wait(self):
        end = time.monotonic() + SECONDS
        while self._process.poll() is None and time.monotonic() < end:
            try:
                self._web.get(f"{self.issuer}/jwks")
            except requests.ConnectionError:
                time.sleep(0.05)
            else:
                return
        pytest.fail("the OpenID provider did not start")

    def told(self, **wanted):
        self._web.post(f"{self.issuer}/told", json=wanted).raise_for_status()

    def is_somebody(self, account, **claims):
        """From now on whoever comes is `account`; an empty one cancels."""
        self.told(account=account, claims=claims)

    def go(self, url):
        """What a browser does there: the address it is sent back to, without its host."""
        web = requests.Session()
        web.trust_env = False
        while url.startswith(self.issuer):
            answer = web.get(url, allow_redirects=False)
            assert answer.is_redirect, answer.text
            url = requests.compat.urljoin(url, answer.headers["Location"])
        assert url.startswith(settings.PUBLIC_URL)
        parts = urlsplit(url)
        return f"{parts.path}?{parts.query}"

    def stop(self):
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@pytest.fixture(scope="session")
def their_server():
    server = Elsewhere(npm_packages("oidc-provider@9.13.3"))
    yield server
    server.stop()


@pytest.fixture
def elsewhere(their_server):
    """The provider as it begins: it knows nobody yet, and sends claims by userinfo."""
    their_server.told(account="", claims={}, method="client_secret_post", inIdToken=False)
    return their_server


@pytest.fixture
def unchecked(company, elsewhere):
    """It, as an administrator sets it up, on both sides."""
    made = create_provider(
        by=company.ada,
        name="Elsewhere",
        issuer=elsewhere.issuer,
        client_id="countersign",
        secret=SECRET,
        scopes="openid profile email groups",
        private=True,
    )
    elsewhere.told(redirectUri=callback_url(made))
    return made


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


def sign_in(visitor, provider, elsewhere, **form):
    """There and back: the portal's answer."""
    return visitor.get(elsewhere.go(begin(visitor, provider, **form)))
