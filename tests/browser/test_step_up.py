"""A passkey at the decision, in a browser with an authenticator of its own (made of software)."""

import base64
import json
import sys

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from playwright.sync_api import expect

from portal.runner.addresses import APP
from tests.browser.test_pages import check_everywhere
from tests.browser.window import SLOW, approve
from tests.journeys.portal import CHECKOUT
from tests.plugin import server_of_this_run
from tests.second_factor import Passkey

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
POLICY = """\
policy: careful
facts: v1
match: {projects: [shop], environments: [production], actions: [rotate]}
rules: []
default: {require: {count: 1, from: [team-leads]}}
step_up: {when: "true", max_age: 5m}
"""
PUBLISH = f"""
from policies.publishing import create_policy, publish_version
from portal.accounts.models import User
people = {{person.username: person for person in User.objects.all()}}
publish_version(by=people["jonas"], version=create_policy(by=people["priya"], text='''{POLICY}'''))
"""
# What the page for adding one writes.
ADD = """
INSERT INTO mfa_authenticator (user_id, type, data, created_at)
SELECT id, 'webauthn', %s, now() FROM portal_user WHERE username = 'maria'
"""


@pytest.fixture(scope="module")
def localhost(portal):
    """Passkeys are for names, not for numbers: the same portal by the name every browser trusts."""
    return portal.url.replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def careful(portal):
    """A policy that asks for a second factor, made by two people of the demo company."""
    database = server_of_this_run().url(APP, portal._database)
    done = portal.start(
        sys.executable, CHECKOUT / "manage.py", "shell", "-c", PUBLISH,
        DATABASE_URL=database, SECRET_KEY="of this script only" * 3,
    )  # fmt: skip
    assert done.end() == 0, done.said


@pytest.fixture
def gate(portal, careful):
    waiting = portal.gate("production", action="rotate")
    portal.until_pending(waiting.request)
    return waiting


@pytest.fixture
def page(windows, portal, localhost, gate):
    """Maria at the request, by name."""
    windows.forgive(f"another host: {localhost}")
    page = windows.open("", f"{localhost}/requests/{gate.request}")
    page.get_by_label("Username").fill("maria")
    page.get_by_label("Password").fill(portal.password("maria"))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("[data-state]")).to_contain_text("Waiting", timeout=SLOW)
    return page


@pytest.fixture
def passkey(portal, localhost, page):
    """Maria's, added after she signed in."""
    found = Passkey(site="localhost", origin=localhost)
    data = {"name": "Key", "credential": found.registration()}
    portal.sql(ADD, json.dumps(data))
    page.reload()
    yield found
    portal.sql("DELETE FROM mfa_authenticator")


def holds(page, passkey, *, verified=True):
    """Put the key into this page's browser, as if it were plugged in."""
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasUserVerification": True,
        "isUserVerified": verified,
        "automaticPresenceSimulation": True,
    }
    device = devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    private = passkey.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    credential = {
        "credentialId": base64.b64encode(passkey.id).decode(),
        "isResidentCredential": False,
        "rpId": passkey.site,
        "privateKey": base64.b64encode(private).decode(),
        "signCount": 1,
    }
    devices.send("WebAuthn.addCredential", {**device, "credential": credential})


def test_a_passkey_confirms_and_then_the_person_decides(page, gate, passkey):
    holds(page, passkey)
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    page.get_by_label("Comment").fill("Keys are old")
    page.get_by_role("button", name="Confirm that it is you").click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible(timeout=SLOW)
    check_everywhere(page)
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.locator("#flash")).to_contain_text("Nothing is decided yet", timeout=SLOW)
    expect(page.get_by_label("Comment")).to_have_value("Keys are old")
    expect(page.locator("[data-state]")).to_contain_text("Waiting")
    check_everywhere(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    approve(page)
    assert gate.end() == 0, gate.said
    expect(page.locator("[data-state]")).to_have_text("Done", timeout=SLOW)
    expect(page.get_by_label("Comment")).to_have_value("")


def test_a_key_whose_holder_does_not_show_who_they_are_confirms_nothing(page, passkey):
    holds(page, passkey, verified=False)
    page.get_by_role("button", name="Confirm that it is you").click()
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.locator("[data-said]")).to_contain_text("gave no passkey", timeout=SLOW)
