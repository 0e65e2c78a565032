"""The key that signs checkpoints: an Ed25519 key in a file that the sealer alone can read."""

import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from portal.kernel import key_files
from portal.ledger.note import Signer
from portal.sealer.find import Connection

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyRefused(Exception):
    """The key cannot be used; the message says what to do."""


def signers_of(path: Path, origin: str, connection: Connection, *, new: bool) -> list[Signer]:
    """The key of the file, and the one before it during a rotation; made for a new log.

    Raises KeyRefused where others can read the file, and where none of its keys ever signed this
    log although it has signatures: with `new` that is meant.
    """
    known = {vkey for (vkey,) in connection.execute("SELECT vkey FROM ledger_key").fetchall()}
    if not path.exists():
        if known and not new:
            raise KeyRefused(f"{path} is missing, and this log was signed before. {_WHAT_TO_DO}")
        key_files.create(path, new_pem())
    signers = [Signer(origin, _key(*one)) for one in _read(path).items()]
    if known and not new and known.isdisjoint(signer.key.vkey for signer in signers):
        raise KeyRefused(f"The key in {path} never signed this log. {_WHAT_TO_DO}")
    return signers


class Signers:
    """The keys that sign now: another one is seen when its file lies there, nothing restarts."""

    def __init__(self, path: Path, origin: str, connection: Connection, *, new: bool) -> None:
        """Raises KeyRefused, as `signers_of` says."""
        self._path = path
        self._load: Callable[[], list[Signer]] = partial(
            signers_of, path, origin, connection, new=new
        )
        self._signers = self._load()
        self._files = _read(path)

    def now(self) -> list[Signer]:
        """The newest first. A file that went away still signs. Raises KeyRefused."""
        if self._path.exists() and (files := _read(self._path)) != self._files:
            self._signers, self._files = self._load(), files
        return self._signers


_WHAT_TO_DO = (
    "Put the key back. If it is lost, start once with --new-key: whoever verifies must then be "
    "told the new key."
)


def new_pem() -> bytes:
    """A new private key."""
    return Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def _read(path: Path) -> dict[Path, bytes]:
    try:
        return key_files.read(path)
    except PermissionError as error:
        raise KeyRefused(f"This account cannot read {error.filename}.") from error


def _key(path: Path, pem: bytes) -> Ed25519PrivateKey:
    if path.stat().st_mode & _OTHERS:
        raise KeyRefused(f"Others can read {path}. Run: chmod 600 {path}")
    try:
        key = load_pem_private_key(pem, password=None)
    except ValueError as error:
        raise KeyRefused(f"{path} holds no private key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyRefused(f"{path} holds another kind of key than Ed25519.")
    return key
