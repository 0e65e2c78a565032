"""What registries keep of container images, read strictly: manifests, indexes, descriptors.

OCI's formats and Docker's schema 2. Bytes in, checked values out; asks nobody.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    INDEX,
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MOST_NAME = 255
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
)


class NotRead(ValueError):
    """What is in the registry cannot be told; the sentence is for people."""


@dataclass(frozen=True)
class Descriptor:
    """Points at bytes by their digest; everything but `digest` is what somebody says of them."""

    media_type: str
    digest: str
    size: int
    artifact_type: str
    annotations: Mapping[str, str]


def digest_of(data: bytes) -> str:
    """SHA-256, as digests are written."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def is_digest(text: str) -> bool:
    """Whether it is a SHA-256 digest; those of other algorithms are none."""
    return bool(_DIGEST.fullmatch(text))


def is_repository(name: str) -> bool:
    """Whether a repository may have this name."""
    return len(name) <= MOST_NAME and bool(_NAME.fullmatch(name))


def require_image(data: bytes) -> None:
    """Raise NotRead for what is neither an image nor an index of several."""
    document = _document(data)
    if "manifests" in document:
        _descriptors(document, "manifests")
    else:
        _descriptors(document, "layers")


def layers_of(data: bytes) -> tuple[Descriptor, ...]:
    """The layers of a manifest. Raises NotRead."""
    return _descriptors(_document(data), "layers")


def manifests_of(data: bytes) -> tuple[Descriptor, ...]:
    """What an index names. Raises NotRead."""
    return _descriptors(_document(data), "manifests")


def _document(data: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise NotRead("a manifest is no JSON") from None
    match document:
        case {"manifests": _, "layers": _} | {"manifests": _, "config": _} | {"fsLayers": _}:
            # Two readers may take it for two things.
            raise NotRead("a manifest has more than one meaning")
        case {"schemaVersion": 2}:
            return dict(document)
    raise NotRead("a manifest has a form that is not read here")


def _descriptors(document: Mapping[str, Any], place: str) -> tuple[Descriptor, ...]:
    rows = document.get(place)
    if not isinstance(rows, list):
        raise NotRead("a manifest has a form that is not read here")
    return tuple(_descriptor(row) for row in rows)


def _descriptor(row: Any) -> Descriptor:
    match row:
        case {"mediaType": str() as media_type, "digest": str() as digest, "size": int() as size}:
            kind, notes = row.get("artifactType"), row.get("annotations")
            if is_digest(digest) and size >= 0:
                return Descriptor(media_type, digest, size, _text(kind), _notes(notes))
    raise NotRead("a manifest points at something in a way that is not read here")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _notes(value: Any) -> dict[str, str]:
    notes = value if isinstance(value, dict) else {}
    return {name: text for name, text in notes.items() if isinstance(text, str)}
