"""The text that stands beside the evidence: what it is, and how anybody can verify it."""

from approvals.audit.bundle.manifest import Bundle
from portal.kernel.clock import rfc3339

_TEXT = """\
EVIDENCE FROM THE LEDGER OF {origin}

Period   {since} up to {until} (days in {zone})
Project  {project}
Taken    {at}, recorded in the ledger as export {export}
Proved   in the signed checkpoint of {size} entries

entries.jsonl           the entries, one a line, byte for byte as they were hashed
population.csv          every request of the period, what samples are drawn from
receipts/permits.jsonl  the signed receipt of each permit that was issued, one a line
proofs/checkpoint.txt   the signed checkpoint: name of the log, entries, root
proofs/start.txt        a checkpoint from before the first entry; absent at the log's beginning
proofs/consistency.txt  that the log of the checkpoint goes on from that of start.txt
proofs/tree.txt         what leads from the entries to the root
summary.pdf             the bundle in figures; absent where the portal makes no PDF
keys/                   public keys: checkpoints.txt, permits.json and the same as PEM
manifest.json           all of this by its SHA-256, signed

The last line of entries.jsonl is the entry that says this bundle was taken. Entries of a project
are numbered from 1 without a gap ("number" at the end of a line), so none is missing where the
numbers follow each other. The entry before the period and the one after it are there too: their
times show that none was left out at either end.

KEYS PROVE NOTHING BY LYING BESIDE WHAT THEY SIGNED. Compare them with keys that you were given
another way: at the portal's /.well-known/countersign/, or in writing.


WITH OUR COMMAND (one file of Python 3.8 or later, no network)

  countersign evidence verify BUNDLE.zip --keys keys.json --key 'NAME+ID+KEY'

keys.json and NAME+ID+KEY are the keys you were given. It checks everything that follows.


WITH PROGRAMS OF OTHERS

The manifest is a DSSE envelope over an in-toto statement; openssl checks it:

  jq -r .payload manifest.json | base64 -d > payload
  jq -r '.signatures[0].sig' manifest.json | base64 -d > signature
  type=$(jq -r .payloadType manifest.json)
  {{ printf 'DSSEv1 %d %s %d ' ${{#type}} "$type" $(wc -c < payload); cat payload; }} > signed
  openssl dgst -sha256 -verify keys/permit-KEYID.pem -signature signature signed

The files, by the digests in the payload (sha256sum reads this):

  jq -r '.subject[] | .digest.sha256 + "  " + .name' payload | sha256sum -c

Each line of receipts/permits.jsonl is such an envelope too.

The checkpoints are signed notes (C2SP signed-note, tlog-checkpoint). Go's
golang.org/x/mod/sumdb/note opens them with a line of keys/checkpoints.txt, and its neighbour
sumdb/tlog compares them: CheckTree with the hashes of proofs/consistency.txt.

The entries are leaves of a Merkle tree of RFC 6962: hash each line of entries.jsonl, without its
newline, as SHA-256(0x00 || line). Go through proofs/tree.txt from its first line with a stack of
hashes. "leaves N" puts the next N leaf hashes on it, "node H HASH" the hash of a subtree of 2^H
leaves. Whenever the two on top are of subtrees of one size, they become one: SHA-256(0x01 || left
|| right). At the end join what is left from the top down; it is the root in the checkpoint.
"""


def readme(bundle: Bundle) -> bytes:
    """The text for this bundle."""
    filters = bundle.filters
    since, until = filters.period
    project = f"{filters.project.slug} ({filters.project.pk})" if filters.project else "all of them"
    return _TEXT.format(
        origin=bundle.end.origin,
        since=rfc3339(since),
        until=rfc3339(until),
        zone=filters.zone_name,
        project=project,
        at=rfc3339(bundle.at),
        export=bundle.export,
        size=bundle.end.size,
    ).encode()
