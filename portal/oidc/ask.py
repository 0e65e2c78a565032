"""Asking a provider: only addresses of its own, within a time, and an answer that is JSON."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

from allauth.socialaccount.providers.base import ProviderException
from django.conf import settings

from portal.kernel.outgoing import NoAddress, OutgoingFailed, Reach, parse_address, send
from portal.kernel.sealed import SealBroken, unseal
from portal.oidc.models import SignInProvider

SECONDS = 8
MOST_BYTES = 512 * 1024
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
_JSON = {"Accept": "application/json"}
_NOT_ITS_CLIENT = {"invalid_client", "unauthorized_client"}
_METHODS = "token_endpoint_auth_methods_supported"


class ProviderFailed(ProviderException):  # type: ignore[misc]
    """The provider gave no usable answer; the words read on after its name."""


class ProviderRefused(ProviderFailed):
    """The provider answered with an error; `error` is its code of RFC 6749, or empty."""

    def __init__(self, words: str, error: str) -> None:
        super().__init__(words)
        self.error = error


def discovered(provider: SignInProvider) -> dict[str, Any]:
    """Its discovery document, as far as it is needed. Raises ProviderFailed."""
    address = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
    found = _ask(provider, _hosts(provider.issuer), "GET", address, {})
    if found.get("issuer") != provider.issuer:
        raise ProviderFailed(f"its issuer calls itself {str(found.get('issuer'))[:200]!r}")
    kept = {name: found[name] for name in ENDPOINTS if name in found}
    for name in ENDPOINTS[:3]:
        if name not in kept:
            raise ProviderFailed(f"its configuration lacks {name}")
    for name, url in kept.items():
        if not _may_be_asked(url, private=provider.private):
            raise ProviderFailed(f"its {name} is no address that may be asked")
    if "?" in kept["authorization_endpoint"]:
        raise ProviderFailed("its authorization_endpoint has a query, which cannot be kept")
    methods = found.get(_METHODS, ["client_secret_basic"])
    return {**kept, _METHODS: methods if isinstance(methods, list) else []}


def keys(provider: SignInProvider) -> list[dict[str, Any]]:
    """The keys it signs with now. Raises ProviderFailed."""
    found = _ask_endpoint(provider, "jwks_uri").get("keys")
    if not isinstance(found, list) or not all(isinstance(key, dict) for key in found):
        raise ProviderFailed("its key set is not to be understood")
    return found


def userinfo(provider: SignInProvider, access_token: str) -> dict[str, Any]:
    """What it says about the person the token is of. Raises ProviderFailed."""
    return _ask_endpoint(provider, "userinfo_endpoint", {"Authorization": f"Bearer {access_token}"})


def tokens(
    provider: SignInProvider, *, code: str, verifier: str, redirect_uri: str
) -> dict[str, Any]:
    """What it gives for the code of one sign-in. Raises ProviderFailed, ProviderRefused."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": redirect_uri,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    secret = _secret(provider)
    if "client_secret_post" in provider.configuration[_METHODS]:
        form |= {"client_id": provider.client_id, "client_secret": secret}
    else:
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    return _ask_endpoint(provider, "token_endpoint", headers, urlencode(form).encode())


def try_secret(provider: SignInProvider) -> None:
    """Ask for the tokens of a sign-in that never was: only what refuses the client is a failure.

    Raises ProviderFailed.
    """
    try:
        tokens(provider, code="check", verifier="check" * 10, redirect_uri=settings.PUBLIC_URL)
    except ProviderRefused as refusal:
        if refusal.error in _NOT_ITS_CLIENT:
            raise ProviderFailed("it refuses the client id or the client secret") from None


def _secret(provider: SignInProvider) -> str:
    try:
        return unseal(provider.secret)
    except SealBroken:
        raise ProviderFailed("its client secret does not open: enter it again") from None


def _ask_endpoint(
    provider: SignInProvider, name: str, headers: Mapping[str, str] = _JSON, body: bytes = b""
) -> dict[str, Any]:
    hosts = _hosts(*(provider.configuration.get(known, "") for known in ENDPOINTS))
    url = provider.configuration[name]
    return _ask(provider, hosts, "POST" if body else "GET", url, {**_JSON, **headers}, body)


def _ask(
    provider: SignInProvider,
    hosts: frozenset[str],
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
) -> dict[str, Any]:
    reach = Reach(hosts, private=provider.private)
    try:
        got = send(
            method, url, reach, headers=headers, body=body, seconds=SECONDS, most_bytes=MOST_BYTES
        )
    except OutgoingFailed as problem:
        raise ProviderFailed(str(problem)) from None
    found = _read(got.body)
    if got.status != 200:
        error = str(found.get("error", ""))[:100]
        said = f"{got.status} {error}".strip()
        raise ProviderRefused(f"its server answers with {said!r}", error)
    if not found:
        raise ProviderFailed("its server's answer is not to be understood")
    return found


def _read(body: bytes) -> dict[str, Any]:
    """The object in a body; empty when there is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _hosts(*urls: str) -> frozenset[str]:
    """`host:port` of each address that is one."""
    found = [parse_address(url) for url in urls if url]
    return frozenset(f"{address.name}:{address.port}" for address in found)


def _may_be_asked(url: Any, *, private: bool) -> bool:
    try:
        return isinstance(url, str) and (parse_address(url).secure or private)
    except NoAddress:
        return False
