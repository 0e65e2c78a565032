"""Reading one repository of a registry (OCI distribution, Docker's registry API v2).

Whatever is named by a digest must hash to it. The registry may send us for a token, and for blobs,
to no other servers than those that the connection names.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urljoin

import orjson

from approvals.context.fetch import Fetch, NotThere, Refused
from approvals.context.header_values import challenges, next_page
from approvals.context.oci import (
    INDEX,
    MANIFESTS,
    Descriptor,
    NotRead,
    digest_of,
    manifests_of,
)
from approvals.context.source import SourceFailed
from portal.kernel.outgoing import Got, NoAddress, parse_address

MOST_PAGES = 5
MOST_TOKEN = 16_000
_PLAIN = re.compile(r"[\x21-\x7e]+")
_ANY = {"Accept": ", ".join(MANIFESTS)}
_NO_REFERRERS = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}

Headers = dict[str, str]
T = TypeVar("T")


class Repository:
    """One repository, by name; signs in once, when it is asked to, for reading this one only."""

    def __init__(self, fetch: Fetch, name: str) -> None:
        self._fetch = fetch
        self._name = name
        self._settings = fetch.settings
        secret = "" if self._settings["user"] else fetch.secrets.get("secret", "")
        self._authorization = f"Bearer {secret}" if secret else ""

    def names_tags(self) -> None:
        """Ask something harmless about the repository. Raises NotThere, SourceFailed."""
        self._text(f"v2/{self._name}/tags/list?n=1")

    def answers(self) -> None:
        """Ask whether a registry is there. Raises SourceFailed."""
        try:
            self._text("v2/")
        except NotThere:
            raise SourceFailed("it has no registry API at /v2/") from None

    def image(self, digest: str) -> bytes:
        """The manifest or index with this digest, as it is there now.

        Raises NotThere, SourceFailed.
        """
        data = self._text(f"v2/{self._name}/manifests/{digest}", _ANY)
        if digest_of(data) != digest:
            raise _other_bytes()
        return data

    def manifest(self, digest: str) -> bytes:
        """A manifest with this digest, whenever it was read. Raises NotThere, SourceFailed."""
        return self._by_digest(f"v2/{self._name}/manifests/{digest}", digest, _ANY)

    def tagged(self, tag: str, digest: str) -> bytes | None:
        """The manifest that a tag about the image with this digest names now; None without one.

        Some registries take such a tag for the digest itself. Raises SourceFailed.
        """
        try:
            data = self._text(f"v2/{self._name}/manifests/{tag}", _ANY)
        except NotThere:
            return None
        return None if digest_of(data) == digest else data

    def blob(self, digest: str) -> bytes:
        """The bytes with this digest, from where the registry keeps them. Raises SourceFailed."""
        try:
            return self._by_digest(f"v2/{self._name}/blobs/{digest}", digest, {})
        except NotThere:
            raise SourceFailed("it lacks bytes that one of its manifests names") from None

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """What says that it belongs to the image; also of registries that know no such question.

        Raises NotRead, SourceFailed.
        """
        url = urljoin(str(self._settings["url"]), f"/v2/{self._name}/referrers/{digest}")
        try:
            first = self._page(url)
        except NotThere:
            first = None
        except Refused as refusal:
            if refusal.status not in _NO_REFERRERS:
                raise
            first = None
        if first is not None:
            return tuple(one for page in self._pages(url, first) for one in manifests_of(page))
        data = self.tagged(digest.replace(":", "-"), digest)
        return manifests_of(data) if data is not None else ()

    def _page(self, url: str) -> Got:
        wanted = {"Accept": INDEX}
        return self._signed_in(lambda headers: self._fetch.unkept(url, headers=wanted | headers))

    def _pages(self, url: str, got: Got) -> Iterator[bytes]:
        place = url
        for _ in range(MOST_PAGES):
            yield got.body
            following = next_page(got.headers.get("link", ""))
            if not following:
                return
            url = urljoin(url, following)
            if url.partition("?")[0] != place:
                raise SourceFailed("its next page is at another place")
            got = self._page(url)
        raise NotRead("more is attached to it than is read here")

    def _by_digest(self, address: str, digest: str, accept: Headers) -> bytes:
        for lasting in (True, False):  # what is kept may be what a registry once said in error
            data = self._text(address, accept, lasting=lasting)
            if digest_of(data) == digest:
                return data
        raise _other_bytes()

    def _text(self, address: str, accept: Headers | None = None, *, lasting: bool = False) -> bytes:
        def ask(headers: Headers) -> bytes:
            wanted = {**(accept or {}), **headers}
            try:
                return self._fetch.text(address, headers=wanted, lasting=lasting).encode()
            except Refused as refusal:
                if 300 <= refusal.status < 400 and "/blobs/" in address:
                    return self._elsewhere(refusal.headers.get("location", ""))
                raise

        return self._signed_in(ask)

    def _elsewhere(self, location: str) -> bytes:
        """A blob at the server that keeps them, which learns no credentials."""
        self._require(location, ("blob_url",), "keeps what is attached at a server")
        try:
            return self._fetch.unkept(location).body
        except Refused as refusal:
            raise SourceFailed(f"where it keeps blobs: {refusal}") from None

    def _signed_in(self, ask: Callable[[Headers], T]) -> T:
        try:
            return ask(self._headers())
        except Refused as refusal:
            if refusal.status != HTTPStatus.UNAUTHORIZED or self._authorization:
                raise
            wanted = challenges(refusal.headers.get("www-authenticate", ""))
        if "bearer" in wanted:
            self._authorization = f"Bearer {self._token(wanted['bearer'])}"
        elif "basic" in wanted and self._settings["user"]:
            self._authorization = self._basic()
        else:
            raise SourceFailed("it wants credentials that the connection does not have")
        return ask(self._headers())

    def _headers(self) -> Headers:
        return {"Authorization": self._authorization} if self._authorization else {}

    def _basic(self) -> str:
        pair = f"{self._settings['user']}:{self._fetch.secrets.get('secret', '')}"
        return f"Basic {b64encode(pair.encode()).decode()}"

    def _token(self, wanted: dict[str, str]) -> str:
        """A token for reading this repository, whatever else the registry would have us ask for."""
        realm = wanted.get("realm", "")
        self._require(realm, ("url", "token_url"), "sends us for a token to a server")
        params = {"service": wanted["service"]} if wanted.get("service") else {}
        params["scope"] = f"repository:{self._name}:pull"
        headers = {"Authorization": self._basic()} if self._settings["user"] else {}
        try:
            answer = self._fetch.unkept(realm, params=params, headers=headers).body
        except NotThere:
            raise SourceFailed("its server of tokens is not there (404)") from None
        return _token_in(answer)

    def _require(self, url: str, fields: tuple[str, ...], does: str) -> None:
        """Raise SourceFailed unless the address is at a server of one of these settings."""
        try:
            asked = parse_address(url)
        except NoAddress:
            raise SourceFailed(f"it {does} that cannot be asked") from None
        named = [parse_address(self._settings[field]) for field in fields if self._settings[field]]
        place = (asked.name, asked.port, asked.secure)
        if place not in [(one.name, one.port, one.secure) for one in named]:
            raise SourceFailed(f"it {does} that the connection does not name ({asked.name})")


def _other_bytes() -> SourceFailed:
    return SourceFailed("it answers with other bytes than those of the digest")


def _token_in(body: bytes) -> str:
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    token = (answer.get("token") or answer.get("access_token")) if isinstance(answer, dict) else ""
    if isinstance(token, str) and 0 < len(token) <= MOST_TOKEN and _PLAIN.fullmatch(token):
        return token
    raise SourceFailed("what its server of tokens answers is no token")
