"""A certified OpenID provider of npm on loopback, for tests."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from tests.npm import node, npm_packages

CLIENT_ID = "countersign"
SECRET = "their secret: s3cret"
SECONDS = 60


class Elsewhere:
    """The provider: who signs in there next, and with which claims."""

    def __init__(self):
        modules = npm_packages("oidc-provider@9.13.3")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{port}"
        self._web = requests.Session()
        self._web.trust_env = False
        script = Path(__file__).with_name("openid_provider.mjs")
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
        """What a browser does there: the address it is sent back to."""
        web = requests.Session()
        web.trust_env = False
        while url.startswith(self.issuer):
            answer = web.get(url, allow_redirects=False)
            assert answer.is_redirect, answer.text
            url = urljoin(url, answer.headers["Location"])
        return url

    def stop(self):
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
