"""What GitHub is asked with: a token, or an installation token that an App gets for an hour."""

import base64
import hashlib
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from approvals.context.fetch import Fetch, NotThere, Refused
from approvals.context.forge import moment, said
from approvals.context.source import SourceFailed
from portal.kernel.clock import now

MOST_TOKENS = 200
EARLY = timedelta(minutes=5)  # a token that ends so soon is not begun with
# GitHub accepts ten minutes, by its own clock.
_BEHIND, _AHEAD = timedelta(seconds=60), timedelta(minutes=8)


@dataclass(frozen=True)
class InstallationToken:
    """A token of an App for one installation, as long as it lasts."""

    text: str = field(repr=False)
    ends_at: datetime


class Installations:
    """The tokens of all installations: only in memory, so that none is left anywhere."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._tokens: dict[bytes, InstallationToken] = {}

    def token(self, fetch: Fetch, repository: int | None) -> str:
        """A token that still lasts a while, for this repository alone. Raises SourceFailed."""
        key = _key(fetch, repository)
        with self._guard:
            known = self._tokens.get(key)
        if known is None or known.ends_at - now() < EARLY:
            known = _asked_for(fetch, repository)
            with self._guard:
                while len(self._tokens) >= MOST_TOKENS:
                    del self._tokens[next(iter(self._tokens))]
                self._tokens[key] = known
        return known.text

    def forget(self, fetch: Fetch, repository: int | None) -> None:
        """GitHub does not accept it any more."""
        with self._guard:
            self._tokens.pop(_key(fetch, repository), None)


def app_token(app: str, private_key: str, at: datetime) -> str:
    """A JSON Web Token (RS256) by which an App shows who it is. Raises SourceFailed."""
    claims = {
        "iat": int((at - _BEHIND).timestamp()),
        "exp": int((at + _AHEAD).timestamp()),
        "iss": app,
    }
    parts = [_encoded(orjson.dumps(part)) for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    signed = ".".join(parts)
    signature = _rsa_key(private_key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_encoded(signature)}"


def _asked_for(fetch: Fetch, repository: int | None) -> InstallationToken:
    """A new token; it opens no other repository, whatever the installation may see."""
    proof = app_token(fetch.settings["app"], fetch.secrets["private_key"], now())
    wanted = {} if repository is None else {"repository_ids": [repository]}
    try:
        answer = fetch.post_json(
            f"app/installations/{fetch.settings['installation']}/access_tokens",
            wanted,
            headers={"Authorization": f"Bearer {proof}"},
        )
    except NotThere:
        raise SourceFailed("GitHub knows no such installation of the App") from None
    except Refused as refused:
        if refused.status != 422:
            raise
        raise SourceFailed("the App is not installed on this repository") from None
    return InstallationToken(said(answer, str, "token"), moment(answer, "expires_at"))


def _key(fetch: Fetch, repository: int | None) -> bytes:
    parts = [str(fetch.settings[name]) for name in ("url", "app", "installation")]
    whole = "\n".join((*parts, str(repository), fetch.secrets["private_key"]))
    return hashlib.sha256(whole.encode()).digest()


def _rsa_key(text: str) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SourceFailed("the App's private key is no RSA key in PEM form: enter it again")
    return key


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
