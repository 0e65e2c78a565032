"""Steps 2 and 3: sign the checkpoints that are not signed yet, then give them out."""

from collections.abc import Sequence

from portal.ledger.note import Checkpoint, Signer, sign
from portal.sealer.find import Connection

PORTAL = "portal"

_UNSIGNED = """
    SELECT origin, size, root, coalesce(extension, '')
    FROM ledger_checkpoint LEFT JOIN ledger_origin USING (origin)
    WHERE size > (SELECT coalesce(max(size), 0) FROM ledger_signature) ORDER BY size
"""
_KEY = "INSERT INTO ledger_key (vkey) VALUES (%s) ON CONFLICT DO NOTHING"
_SIGNATURE = "INSERT INTO ledger_signature (size, key, note) VALUES (%s, %s, %s)"
_PUBLISH = """
    INSERT INTO ledger_publication (size, place)
    SELECT DISTINCT size, %(place)s FROM ledger_signature WHERE size >
        (SELECT coalesce(max(size), 0) FROM ledger_publication WHERE place = %(place)s)
"""


def sign_checkpoints(connection: Connection, signers: Sequence[Signer]) -> int:
    """Sign what is not signed, each checkpoint by every key in one transaction; how many."""
    unsigned = [Checkpoint(*row) for row in connection.execute(_UNSIGNED).fetchall()]
    for checkpoint in unsigned:
        with connection.transaction(), connection.cursor() as cursor:
            for signer in signers:
                cursor.execute(_KEY, [signer.key.vkey])
                note = sign(checkpoint.text, signer)
                cursor.execute(_SIGNATURE, [checkpoint.size, signer.key.vkey, note])
    return len(unsigned)


def publish_checkpoints(connection: Connection) -> int:
    """Let the portal give out what is signed; how many."""
    return connection.execute(_PUBLISH, {"place": PORTAL}).rowcount
