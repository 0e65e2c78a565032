"""A real registry (Debian's) on loopback, filled over its own API; three doors to one store."""

import base64
import time
import urllib.error
import urllib.request
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from portal.kernel.clock import now
from portal.runner.process import Command, launch
from tests.debian import debian_programs
from tests.images import (
    IMAGE,
    INDEX,
    descriptor,
    digest_of,
    index,
    manifest,
    raw,
)
from tests.remote import Remote, Says
from tests.server import PATIENCE, eventually, free_port

USER, PASSWORD = "reader", "s3cret"
# Of that password, by bcrypt; nothing of the standard library makes one.
HTPASSWD = f"{USER}:$2b$04$EAnRyb.JkX4n2ztL43T.bu8gMyduHMVPu..npKLnLs.bzToDdzGJG\n"
SETTINGS = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {store}}}}}
http: {{addr: "{host}"}}
{auth}
"""


class Door:
    """One process; `auth`: its part of the configuration, in YAML."""

    def __init__(self, stack, program, folder, store, auth=""):
        folder.mkdir()
        self.host = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.host}"
        self._log = folder / "log"
        settings = SETTINGS.format(store=store, host=self.host, auth=auth)
        (folder / "config.yml").write_text(settings)
        command = Command([program, "serve", "config.yml"], {}, folder, grace=3.0)
        with self._log.open("wb") as log:
            self._running = launch(command, log)
        stack.callback(self._running.stop, PATIENCE)
        eventually(self._ready, f"{program} answers")

    def _ready(self):
        assert self._running.process.poll() is None, self._log.read_text()
        try:
            return self.call("GET", "/v2/")
        except urllib.error.HTTPError as refusal:
            return refusal.code == 401
        except OSError:
            return False

    def call(self, method, address, body=None, kind="application/octet-stream"):
        """The headers of the answer."""
        url = address if "://" in address else self.url + address
        request = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.headers


class Registry:
    """`open` asks for nothing, `guarded` for a password, `tokened` for a token of `tokens`."""

    def __init__(self, stack, folder):
        (program,) = debian_programs("docker-registry", "docker-registry")
        store = folder / "store"
        (folder / "htpasswd").write_text(HTPASSWD)
        basic = f"auth: {{htpasswd: {{realm: x, path: {folder}/htpasswd}}}}"
        self.tokens = Tokens(folder / "issuer.pem")
        stack.callback(self.tokens.close)
        self.open = Door(stack, program, folder / "open", store)
        self.guarded = Door(stack, program, folder / "guarded", store, basic)
        self.tokened = Door(stack, program, folder / "tokened", store, self.tokens.settings)
        self._numbers = iter(range(10_000))

    def blob(self, name, data):
        """Upload it; its digest."""
        where = self.open.call("POST", f"/v2/{name}/blobs/uploads/")["Location"]
        self.open.call("PUT", f"{where}&digest={digest_of(data)}", data)
        return digest_of(data)

    def put(self, name, data, tag="", kind=IMAGE):
        """A manifest under a tag or its digest; its digest, as the registry says it."""
        address = f"/v2/{name}/manifests/{tag or digest_of(data)}"
        return self.open.call("PUT", address, data, kind)["Docker-Content-Digest"]

    def image(self, name="shop"):
        """A new image; its digest."""
        layer = f"layer {next(self._numbers)}".encode()
        return self.put(name, self._with_blobs(name, (layer, "text/plain", {})))

    def platforms(self, name="shop"):
        """An index of two new images; its digest."""
        rows = []
        for architecture in ("amd64", "arm64"):
            layer = f"layer {next(self._numbers)}".encode()
            data = self._with_blobs(name, (layer, "text/plain", {}))
            self.put(name, data)
            platform = {"architecture": architecture, "os": "linux"}
            rows.append(descriptor(data, IMAGE, platform=platform))
        return self.put(name, index(*rows), kind=INDEX)

    def attach(self, digest, ending, *layers, name="shop"):
        """As cosign does: `ending` is sig or att; layers are (content, media type, annotations)."""
        tag = f"{digest.replace(':', '-')}.{ending}"
        self.put(name, self._with_blobs(name, *_raw(layers)), tag)

    def refer(self, digest, *layers, name="shop"):
        """As clients do where a registry has no referrers: a tag names an index of what refers."""
        rows = []
        for layer in _raw(layers):
            subject = {"mediaType": IMAGE, "digest": digest, "size": 1}
            data = self._with_blobs(name, layer, artifactType=layer[1], subject=subject)
            self.put(name, data)
            rows.append(descriptor(data, IMAGE, artifactType=layer[1]))
        self.put(name, index(*rows), digest.replace(":", "-"), INDEX)

    def _with_blobs(self, name, *layers, **more):
        for data in (b"{}", *(layer[0] for layer in layers)):
            self.blob(name, data)
        return manifest(*layers, **more)


class Tokens(Remote):
    """Gives reader, and nobody else, a token for what is asked; `scopes`: what was."""

    def __init__(self, file):
        super().__init__()
        self._key = rsa.generate_private_key(65537, 2048)
        self._certificate = self._certify()
        file.write_bytes(self._certificate.public_bytes(Encoding.PEM))
        where = f"realm: {self.url}/token, service: shop-registry, issuer: tests"
        self.settings = f"auth: {{token: {{{where}, rootcertbundle: {file}}}}}"
        self.paths["/token"] = self._say

    @property
    def scopes(self):
        return [parse_qs(urlsplit(path).query)["scope"] for _, path, _, _ in self.asked]

    def _say(self, headers):
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if headers.get("authorization") != f"Basic {pair}":
            return Says(status=401)
        kind, name, actions = self.scopes[-1][0].split(":")
        access = [{"type": kind, "name": name, "actions": actions.split(",")}]
        begin = int(time.time()) - 5
        claims = {"iss": "tests", "sub": USER, "aud": "shop-registry", "exp": begin + 600,
                  "nbf": begin, "iat": begin, "jti": "1", "access": access}  # fmt: skip
        return Says({"token": self._sign(claims)})

    def _sign(self, claims):
        chain = [base64.b64encode(self._certificate.public_bytes(Encoding.DER)).decode()]
        header = {"typ": "JWT", "alg": "RS256", "x5c": chain}
        signed = b".".join(_base64url(raw(part)) for part in (header, claims))
        signature = self._key.sign(signed, padding.PKCS1v15(), SHA256())
        return b".".join([signed, _base64url(signature)]).decode()

    def _certify(self):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tokens of the tests")])
        day = timedelta(days=1)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - day)
            .not_valid_after(now() + day)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, SHA256())
        )


def _raw(layers):
    return [(raw(content), kind, notes) for content, kind, notes in layers]


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")
