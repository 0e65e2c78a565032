"""The image that a request names by its digest, as its registry has it: signatures, provenance."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from approvals.context.connected import BadSetting, ConnectedSource, Field
from approvals.context.fetch import Fetch, NotThere
from approvals.context.oci import (
    Descriptor,
    NotRead,
    is_digest,
    is_repository,
    layers_of,
    require_image,
)
from approvals.context.oci_pull import Repository
from approvals.context.provenance import SLSA
from approvals.context.public_keys import NamedKey, named_keys
from approvals.context.signed_images import (
    BUNDLE,
    DSSE,
    NOTATION,
    SIGNED,
    Attached,
    Evidence,
    evidence_of,
    is_weighed,
)
from approvals.context.source import Question
from policies.language.facts import Unknown
from portal.kernel.outgoing import parse_address

Facts = dict[str, object | None]

MOST_ATTACHED = 32
MOST_BYTES = 1024 * 1024
_PROJECT = "{project}"
_PROVEN = ("signed", "signer", "provenance", "builder", "source_commit")
# Kinds of attached manifests that may hold a signature or statement; older clients name none, or
# that of the empty configuration.
_READ = {
    "",
    DSSE,
    "application/vnd.in-toto+json",
    "application/vnd.dev.cosign.artifact.sig.v1+json",
    "application/vnd.dev.cosign.artifact.att.v1+json",
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.oci.empty.v1+json",
}
_NO_KEYS = Unknown("the connection names no keys to verify it with", "absent")
_NOT_SIGNED = Unknown("no signature of it was verified", "absent")
_NOT_STATED = Unknown("no statement of how it was built was verified", "absent")
_SEVERAL = Unknown("the verified statements name none, or several", "absent")


class ImageSource(ConnectedSource):
    """Reads by digest, never by tag, and verifies with the keys of the connection."""

    name = "image"
    title = "Container registry"
    help = "Whether the image is there, who signed it, and how it was built."
    gives = ("image",)
    budget = 10.0
    time_to_live = timedelta(minutes=1)
    silence = "the request names no artifact by a SHA-256 digest"
    fields = (
        Field("url", "Address", "url", "The server alone, as in https://registry.example.com."),
        Field(
            "repository",
            "Repository",
            help="Where the images are, as shop/api; {project} is the short name of the project.",
        ),
        Field("user", "User", help="Where the registry wants a password.", required=False),
        Field(
            "secret",
            "Token or password",
            "secret",
            "The user's password; without a user, a bearer token. It needs to pull, nothing more.",
            required=False,
        ),
        Field(
            "token_url",
            "Server of tokens",
            "url",
            "Where the registry sends one for a token, if that is another server, as in "
            "https://auth.example.com. It learns the password.",
            required=False,
            aside=True,
        ),
        Field(
            "blob_url",
            "Server of blobs",
            "url",
            "Where the registry sends one for what it keeps, if that is another server. It learns "
            "no password.",
            required=False,
            aside=True,
        ),
        Field(
            "keys",
            "Public keys",
            "lines",
            "Who may sign: a name, =, and a key as PEM, one after the other. ECDSA P-256, Ed25519 "
            "or RSA. The name becomes image.signer.",
            required=False,
        ),
    )

    def clean(self, settings: Mapping[str, Any]) -> None:
        for name in ("url", "token_url", "blob_url"):
            if settings[name] and parse_address(settings[name]).target != "/":
                raise BadSetting(name, "Enter the server alone, without what stands behind it.")
        if not is_repository(settings["repository"].replace(_PROJECT, "x")):
            raise BadSetting("repository", "This is no name of a repository, as shop/api is one.")
        if ":" in settings["user"]:
            raise BadSetting("user", "A user name has no colon.")
        try:
            named_keys(settings["keys"])
        except ValueError as problem:
            raise BadSetting("keys", str(problem)) from None

    def check(self, fetch: Fetch) -> str:
        keys = named_keys(fetch.settings["keys"])
        words = [self._check_server(fetch)]
        if keys:
            names = dict.fromkeys(key.name for key in keys)
            words.append(f"Signatures are verified with the keys of {', '.join(names)}.")
        else:
            words.append("Without keys, signatures and provenance stay unknown.")
        return " ".join(words)

    def _check_server(self, fetch: Fetch) -> str:
        name = fetch.settings["repository"]
        repository = Repository(fetch, name.replace(_PROJECT, "x"))
        if _PROJECT in name:
            repository.answers()
            return "A registry answers. What it says of a request is seen when one asks."
        try:
            repository.names_tags()
        except NotThere:
            return f"A registry answers, but has no repository {name}."
        return f"The repository {name} can be read."

    def read(self, question: Question, fetch: Fetch) -> Mapping[str, object | None]:
        digest = question.subject.get("artifact", "")
        if not is_digest(digest):
            return {}
        name = fetch.settings["repository"].replace(_PROJECT, question.project)
        if not is_repository(name):
            return _all(f"{name} is no name of a repository")
        repository = Repository(fetch, name)
        try:
            require_image(repository.image(digest))
        except NotThere:
            return _all("the registry has nothing with this digest in the repository")
        except NotRead as problem:
            return _all(str(problem))
        return {"image.digest": digest, **_proven(repository, digest, fetch.settings["keys"])}


def _all(reason: str) -> Facts:
    return {f"image.{name}": Unknown(reason, "absent") for name in ("digest", *_PROVEN)}


def _proven(repository: Repository, digest: str, setting: str) -> Facts:
    keys = named_keys(setting)
    if not keys:
        return {f"image.{name}": _NO_KEYS for name in _PROVEN}
    try:
        attached = _attached(repository, digest)
    except NotRead as problem:
        return {f"image.{name}": Unknown(str(problem), "unavailable") for name in _PROVEN}
    return _facts(evidence_of(digest, attached, keys), keys)


def _facts(found: Evidence, keys: tuple[NamedKey, ...]) -> Facts:
    """No signature and no statement only where nothing is in doubt."""
    signer = next((key.name for key in keys if key.name in found.signers), None)
    signed: object = bool(signer)
    if not signer and found.doubts_signed:
        signed = Unknown(found.doubts_signed[0], "unavailable")
    provenance: object = "unverified" if found.unverified else "none"
    if found.provenances:
        provenance = "verified"
    elif found.doubts_provenance:
        provenance = Unknown(found.doubts_provenance[0], "unavailable")
    return {
        "image.signed": signed,
        "image.signer": signer or _NOT_SIGNED,
        "image.provenance": provenance,
        "image.builder": _one(found, {one.builder for one in found.provenances}),
        "image.source_commit": _one(
            found, {commit for one in found.provenances for commit in one.commits or {""}}
        ),
    }


def _one(found: Evidence, said: set[str]) -> str | Unknown:
    """What all verified statements say."""
    if not found.provenances:
        return _NOT_STATED
    return said.pop() if len(said) == 1 and "" not in said else _SEVERAL


def _attached(repository: Repository, digest: str) -> list[Attached]:
    """Everything that may be a signature or statement. Raises NotRead, SourceFailed."""
    found: list[Attached] = []
    for one in _descriptors(repository, digest):
        if len(found) == MOST_ATTACHED or one.size > MOST_BYTES:
            raise NotRead("more is attached to it than is read here")
        # Notation's are not verified, so not read: that there is one is what counts.
        payload = b"" if one.media_type == NOTATION else repository.blob(one.digest)
        found.append(Attached(one.media_type, payload, one.annotations))
    return found


def _descriptors(repository: Repository, digest: str) -> Iterator[Descriptor]:
    """By cosign's tags, then by the image's referrers."""
    tag = digest.replace(":", "-")
    for name in (f"{tag}.sig", f"{tag}.att"):
        manifest = repository.tagged(name, digest)
        if manifest is not None:
            yield from _weighed(manifest)
    for number, one in enumerate(repository.referrers(digest)):
        if number == MOST_ATTACHED:
            raise NotRead("more is attached to it than is read here")
        if one.artifact_type == NOTATION:
            yield Descriptor(NOTATION, one.digest, 0, NOTATION, {})
        elif one.artifact_type in _READ or one.artifact_type.startswith(BUNDLE):
            yield from _weighed(_manifest(repository, one.digest))


def _manifest(repository: Repository, digest: str) -> bytes:
    try:
        return repository.manifest(digest)
    except NotThere:
        raise NotRead("it lacks a manifest that says it belongs to the image") from None


def _weighed(manifest: bytes) -> Iterator[Descriptor]:
    for one in layers_of(manifest):
        about = one.annotations.get("predicateType", "")
        other = one.media_type == DSSE and about and not about.startswith((SLSA, SIGNED))
        if is_weighed(one.media_type) and not other:
            yield one
