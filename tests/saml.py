"""SAML for tests: a provider of npm on loopback, and responses written and signed by hand."""

import html
import os
import re
import signal
import socket
import subprocess
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLSigner

from tests.npm import node, npm_packages

SECONDS = 60
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"


class Signer:
    """A key with its certificate, both as PEM."""

    def __init__(self, days=2):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider")])
        at = datetime.now(UTC)
        made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(at - timedelta(days=9))
        made = made.not_valid_after(at + timedelta(days=days))
        self.cert = made.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
        written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.key = written.decode()


class Elsewhere:
    """The provider: who signs in there next, and with which attributes."""

    def __init__(self):
        modules = npm_packages("samlp@8.0.0")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{port}"
        self.signer = Signer()
        self._web = requests.Session()
        self._web.trust_env = False
        script = Path(__file__).with_name("saml_provider.mjs")
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
                self.is_somebody("")
            except requests.ConnectionError:
                time.sleep(0.05)
            else:
                return
        pytest.fail("the SAML provider did not start")

    def is_somebody(self, account, format=PERSISTENT, options=None, **attributes):
        """From now on whoever comes is `account`; an empty one is refused there."""
        told = {"account": account, "format": format, "attributes": attributes}
        told |= {"options": options or {}, "key": self.signer.key, "cert": self.signer.cert}
        self._web.post(f"{self.issuer}/told", json=told).raise_for_status()

    def go(self, url):
        """What a browser does there: the form that it sends back, and where to."""
        page = self._web.get(url).text
        address = html.unescape(re.search(r'action="([^"]+)"', page)[1])
        fields = re.findall(r'name="(\w+)"\s+value="([^"]*)"', page)
        return address, {name: html.unescape(value) for name, value in fields}

    def metadata(self):
        return metadata(self.issuer, self.signer.cert)

    def stop(self):
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def metadata(issuer, *certificates):
    keys = "".join(
        '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>'
        f"<X509Certificate>{''.join(pem.splitlines()[1:-1])}</X509Certificate>"
        "</X509Data></KeyInfo></KeyDescriptor>"
        for pem in certificates
    )
    return (
        f'<!-- theirs --><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" '
        f'entityID="{issuer}"><IDPSSODescriptor '
        f'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}'
        '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" '
        f'Location="{issuer}/post"/><SingleSignOnService '
        'Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
        f'Location="{issuer}/sso"/></IDPSSODescriptor></EntityDescriptor>'
    )


ASSERTION = """<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Version="2.0"
 ID="{id}" IssueInstant="{now}"><saml:Issuer>{issuer}</saml:Issuer>{signature}<saml:Subject>
<saml:NameID Format="{format}"{qualifier}>{name}</saml:NameID>
<saml:SubjectConfirmation Method="{method}"><saml:SubjectConfirmationData Recipient="{recipient}"
 InResponseTo="{request}" NotOnOrAfter="{confirmed_until}"/></saml:SubjectConfirmation>
</saml:Subject><saml:Conditions NotBefore="{begins}" NotOnOrAfter="{ends}">
<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>{condition}</saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}"/><saml:AttributeStatement>{attributes}
</saml:AttributeStatement></saml:Assertion>"""
RESPONSE = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" Version="2.0"
 ID="_response" InResponseTo="{request}" Destination="{destination}" IssueInstant="{now}">
<samlp:Status><samlp:StatusCode Value="{status}"/></samlp:Status>{inside}</samlp:Response>"""
SIGNATURE = (
    '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"></ds:Signature>'
)


def written(at, expected, **wanted):
    """The words of a good response to `expected`, with what is `wanted` otherwise."""

    def moment(seconds):
        return (at + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.123456Z")

    words = {
        "id": "_assertion",
        "now": moment(0),
        "begins": moment(-5),
        "ends": moment(300),
        "confirmed_until": moment(300),
        "issuer": expected.issuer,
        "audience": expected.audience,
        "recipient": expected.recipient,
        "destination": expected.recipient,
        "request": expected.request_id,
        "format": PERSISTENT,
        "method": "urn:oasis:names:tc:SAML:2.0:cm:bearer",
        "name": "olga-there",
        "status": SUCCESS,
        **dict.fromkeys(("qualifier", "condition", "attributes"), ""),
    }
    return {**words, **{n: moment(v) if isinstance(v, int) else v for n, v in wanted.items()}}


def signed(signer, words, **how):
    """The assertion as XML, signed."""
    root = etree.fromstring(ASSERTION.format(signature=SIGNATURE, **words))
    way = XMLSigner(c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#", **how)
    done = way.sign(root, key=signer.key, cert=signer.cert, reference_uri=words["id"],
                    id_attribute="ID")  # fmt: skip
    return etree.tostring(done).decode()


def response(words, inside):
    """A response around `inside`, as the browser brings it."""
    return b64encode(RESPONSE.format(inside=inside, **words).encode()).decode()
