"""The log as programs of auditors read it: checkpoint, tiles, entries, proofs (C2SP tlog-tiles).

Only for who audits the whole portal: tiles and proofs are about everybody's entries at once.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from approvals.audit.checkpoint_keys import checkpoint_keys
from portal.access import Capability, require
from portal.accounts.models import User
from portal.kernel.clock import rfc3339
from portal.kernel.errors import NotFound
from portal.kernel.validation import invalid
from portal.ledger.actors import person_actor
from portal.ledger.proofs import consistency_between, note_of, published_checkpoint
from portal.ledger.record import record
from portal.ledger.stored_tiles import NoTile
from portal.ledger.tile_paths import BadTile, Tile, tile_of
from portal.ledger.tiles import entry_bundle, fetch, read_tile
from portal.ledger.tree import TILE_HEIGHT, TILE_WIDTH, inclusion, tile_width

_NUMBER = re.compile(r"[0-9]{1,19}")
_SIGNED = """
    SELECT size FROM ledger_signature JOIN ledger_publication USING (size)
    WHERE key = %s AND place = 'portal' ORDER BY size DESC LIMIT 1
"""


def log_description() -> dict[str, Any]:
    """What the public may know of the log: its name, where it is read, and the keys that sign it.

    `not_after` stands only at a key that signs no more: how busy the portal is is nobody's matter.
    """
    checkpoint = published_checkpoint()
    return {
        "origin": checkpoint.origin if checkpoint else None,
        "url": f"{settings.PUBLIC_URL}/log",
        "tile_height": TILE_HEIGHT,
        "keys": [
            {
                "vkey": one.vkey,
                "kid": one.kid,
                "origin": one.key.name,
                "status": "active" if one.signs else "retired",
                "not_before": rfc3339(one.since),
                **({} if one.signs else {"not_after": rfc3339(one.last)}),
            }
            for one in checkpoint_keys()
        ],
    }


def checkpoint_note(*, by: User, key: str = "") -> str:
    """The newest published note; with `key`, the id of one, the newest that this key signed.

    Whoever knows only a key that signs no more finds so the note that the next key signed too.
    Raises Forbidden, NotFound.
    """
    require(by, Capability.AUDIT)
    return note_of(_newest_of(key) if key else _size())


def log_tile(*, by: User, path: str, authn: str = "session") -> bytes:
    """The tile or the bundle of entries at a path; that entries were read is recorded.

    `authn`: how they are known, with a session or a token. Raises Forbidden, and NotFound beyond
    the newest published checkpoint.
    """
    require(by, Capability.AUDIT)
    try:
        tile = tile_of(path)
        if tile.width > tile_width(tile.level or 0, tile.index, _size()):
            raise BadTile(path)
        if tile.level is not None:
            return read_tile(tile.level, tile.index, tile.width)
        return _entries(by, authn, tile)
    except (BadTile, NoTile):
        raise NotFound(_("The log has no such tile, or has it no more.")) from None


def inclusion_proof(*, by: User, query: Mapping[str, str]) -> dict[str, Any]:
    """That leaf `index` is in the log of `size` leaves; without a size, of all published ones.

    Raises Forbidden, NotFound, and Invalid for numbers that do not fit.
    """
    require(by, Capability.AUDIT)
    published = _size()
    size = _number(query, "size", 1, published, published)
    index = _number(query, "index", 0, size - 1)
    return {"index": index, "size": size, "hashes": _base64(inclusion(index, size, read_tile))}


def consistency_proof(*, by: User, query: Mapping[str, str]) -> dict[str, Any]:
    """That the log of `new` leaves begins with that of `old`; without `new`, all published ones.

    Raises Forbidden, NotFound, and Invalid for numbers that do not fit.
    """
    require(by, Capability.AUDIT)
    published = _size()
    new = _number(query, "new", 1, published, published)
    old = _number(query, "old", 1, new)
    return {"old": old, "new": new, "hashes": _base64(consistency_between(old, new))}


def _size() -> int:
    """How many leaves are published. Raises NotFound before the first."""
    checkpoint = published_checkpoint()
    if checkpoint is None:
        raise NotFound(_("Nothing is sealed yet."))
    return checkpoint.size


def _newest_of(key: str) -> int:
    for one in checkpoint_keys():
        if one.key.id.hex() == key:
            for (size,) in fetch(_SIGNED, [one.vkey]):
                return int(size)
    raise NotFound(_("No published checkpoint was signed by such a key."))


def _entries(by: User, authn: str, tile: Tile) -> bytes:
    bundle = entry_bundle(tile.index, tile.width)
    about = {"kind": "entries", "first": tile.index * TILE_WIDTH, "count": tile.width}
    with transaction.atomic():
        record("evidence.read", actor=person_actor(by, authn=authn), object=about)
    return bundle


def _number(
    query: Mapping[str, str], name: str, least: int, most: int, default: int | None = None
) -> int:
    text = query.get(name, "" if default is None else str(default))
    if _NUMBER.fullmatch(text) and least <= int(text) <= most:
        return int(text)
    raise invalid(
        name,
        _("%(name)s: a number from %(least)s to %(most)s.")
        % {"name": name, "least": least, "most": most},
    )


def _base64(hashes: list[bytes]) -> list[str]:
    return [b64encode(one).decode() for one in hashes]
