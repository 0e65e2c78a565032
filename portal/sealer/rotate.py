"""One checkpoint key follows another: both sign until the one before is retired.

A verifier that knows only the one before follows by the checkpoints that carry both signatures.
"""

import logging
import os

from portal.kernel import key_files
from portal.sealer.key import KeyRefused, new_pem, signers_of
from portal.sealer.options import Options
from portal.sealer.seal import open_connection

log = logging.getLogger(__name__)

_ORIGIN = "SELECT origin FROM ledger_checkpoint ORDER BY size DESC LIMIT 1"
_BOTH = """
    SELECT EXISTS (
        SELECT FROM ledger_signature AS one JOIN ledger_signature AS other USING (size)
        WHERE one.key = %s AND other.key = %s
    )
"""


def rotate(options: Options) -> None:
    """Make the next key. A sealer at work sees it before its next checkpoint.

    Raises KeyRefused while a rotation is under way, where there is no key yet, and for another
    account than the one whose key it is.
    """
    path = options.key_file
    if not path.exists():
        raise KeyRefused(f"{path} is missing: there is no key that another could follow.")
    if path.stat().st_uid != os.geteuid():
        raise KeyRefused(f"{path} belongs to another account. Run this as that one.")
    try:
        key_files.rotate(path, new_pem())
    except FileExistsError:
        raise KeyRefused("Two keys sign already. Retire the previous one first.") from None
    log.info("the key in %s signs from now on, with the one before", path)


def retire_previous(options: Options) -> None:
    """Let the newest key sign alone.

    Raises KeyRefused when only one signs, and before a checkpoint was signed by both.
    """
    path = options.key_file
    if not path.exists() or len(key_files.read(path)) == 1:
        raise KeyRefused("No rotation is under way: one key signs.")
    with open_connection(options.database_url) as connection:
        found = connection.execute(_ORIGIN).fetchone()
        origin = found[0] if found else options.origin
        keys = [one.key.vkey for one in signers_of(path, origin, connection, new=False)]
        both = connection.execute(_BOTH, keys).fetchone()
    if both != (True,):
        raise KeyRefused(
            "No checkpoint has both signatures yet, by which verifiers would follow. Let the "
            "sealer run until something new is sealed."
        )
    key_files.finish(path)
    log.info("the previous key signs no more; keep no copy of it")
