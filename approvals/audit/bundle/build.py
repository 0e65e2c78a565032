"""Taking a bundle out of the portal: recorded, sealed, then written as a stream and signed."""

from base64 import b64encode
from collections.abc import Generator
from hashlib import sha256
from uuid import UUID

import orjson
from django.db import transaction
from django.utils.translation import gettext as _

from approvals.audit.bundle.closing import Closing, wait_for_seal
from approvals.audit.bundle.contents import Contents, Progress
from approvals.audit.bundle.keys import checkpoint_keys, permit_keys, permit_pems
from approvals.audit.bundle.manifest import Bundle, statement
from approvals.audit.bundle.readme import readme
from approvals.audit.bundle.selection import archived_until, select
from approvals.audit.bundle.summary import summary
from approvals.audit.bundle.tree_walk import tree_walk
from approvals.audit.bundle.zip_stream import ZipStream
from approvals.audit.reports.filters import ReportFilters
from approvals.lifecycle.receipt import sign
from portal.accounts.models import User
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.kernel.ids import new_id
from portal.ledger.actors import person_actor
from portal.ledger.note import Checkpoint
from portal.ledger.proofs import consistency_between, note_of
from portal.ledger.record import record
from portal.ledger.tiles import fetch, read_tile

_CHECKPOINT = "SELECT origin, size, root FROM ledger_checkpoint WHERE size = %s"
_EARLIER = """
    SELECT checkpoint.origin, checkpoint.size, checkpoint.root
    FROM ledger_publication AS publication JOIN ledger_checkpoint AS checkpoint USING (size)
    WHERE publication.place = 'portal' AND checkpoint.origin = %s AND checkpoint.size <= %s
    ORDER BY checkpoint.size DESC LIMIT 1
"""


def take_bundle(*, by: User, filters: ReportFilters) -> Generator[bytes, None, None]:
    """The zip in pieces. That it is taken is recorded now, how it ended when it ends.

    Raises Conflict where the period is archived in part, and where nobody seals the ledger.
    """
    require_unarchived(filters)
    export = new_id()
    taking = _Taking(by, filters, said_of(export, filters))
    return taking.parts(bundle_of(export, by, filters, taking.begun()))


def require_unarchived(filters: ReportFilters) -> None:
    """Raises Conflict where the period is archived in part."""
    project = filters.project.pk if filters.project else None
    if archived := archived_until(project, filters.period[0]):
        raise Conflict(
            _("Entries before %(month)s are in the archive. Take a period that begins later, or "
              "have them restored.") % {"month": archived.date().isoformat()},
            code="archived",
        )  # fmt: skip


def said_of(export: UUID, filters: ReportFilters) -> dict[str, object]:
    """As the ledger keeps it."""
    return {"id": str(export), "report": "evidence", "form": "zip", **filters.to_json()}


def file_name(filters: ReportFilters) -> str:
    """What the file is called."""
    place = filters.project.slug if filters.project else "all"
    return f"evidence-{place}-{filters.since}-{filters.until}.zip"


def bundle_of(export: UUID, by: User, filters: ReportFilters, closing: Closing) -> Bundle:
    """What is known of it before its first entry is read."""
    project = filters.project.pk if filters.project else None
    selection = select(project, *filters.period, closing)
    end = _checkpoint(_CHECKPOINT, closing.size)
    assert end is not None  # noqa: S101  (it was published)
    first = next(selection.indexes())
    return Bundle(
        export=export,
        by=str(by.actor_ref),
        at=now(),
        filters=filters,
        closing=closing,
        selection=selection,
        end=end,
        start=_checkpoint(_EARLIER, end.origin, first),
    )


class _Taking:
    """One bundle on its way to `by`."""

    def __init__(self, by: User, filters: ReportFilters, said: dict[str, object]) -> None:
        self._by, self._filters, self._said = by, filters, said

    def begun(self) -> Closing:
        """Record that it is taken; where that entry is, once it is sealed. Raises Conflict."""
        with transaction.atomic():
            entry = self._record("export.created", "", self._said)
        try:
            return wait_for_seal(entry)
        except Conflict:
            with transaction.atomic():
                self._record("export.finished", "not sealed", self._said)
            raise

    def parts(self, bundle: Bundle) -> Generator[bytes, None, None]:
        outcome, digest = "broken off", sha256()
        contents = Contents(bundle.selection, self._filters)
        try:
            for part in written(bundle, contents, lambda _done: None):
                digest.update(part)
                yield part
            outcome = "done"
        finally:
            rows = sum(contents.counted.types.values())
            ended = {"rows": rows, "digest": f"sha256:{digest.hexdigest()}"}
            with transaction.atomic():
                self._record("export.finished", outcome, self._said | ended)

    def _record(self, event: str, outcome: str, said: dict[str, object]) -> int:
        project = self._filters.project.pk if self._filters.project else None
        actor = person_actor(self._by)
        return record(event, actor=actor, project=project, outcome=outcome, export=said)


def written(bundle: Bundle, contents: Contents, progress: Progress) -> Generator[bytes, None, None]:
    """The zip; the manifest comes last, for it has the digests of all others.

    `progress` hears how many entries are done.
    """
    out, end = ZipStream(), bundle.end.size
    yield from out.file("README.txt", [readme(bundle)])
    yield from out.file("keys/checkpoints.txt", [checkpoint_keys()])
    yield from out.file("keys/permits.json", [permit_keys()])
    for kid, pem in permit_pems():
        yield from out.file(f"keys/permit-{kid}.pem", [pem])
    yield from out.file("proofs/checkpoint.txt", [note_of(end).encode()])
    if bundle.start:
        yield from out.file("proofs/start.txt", [note_of(bundle.start.size).encode()])
        proof = consistency_between(bundle.start.size, end)
        lines = (b64encode(one) + b"\n" for one in proof)
        yield from out.file("proofs/consistency.txt", lines)
    yield from out.file("entries.jsonl", contents.entries(progress))
    walk = tree_walk(bundle.selection.indexes(), end, read_tile)
    yield from out.file("proofs/tree.txt", walk)
    yield from out.file("population.csv", contents.population())
    yield from out.file("receipts/permits.jsonl", contents.receipts())
    if pdf := summary(bundle, contents.counted):
        yield from out.file("summary.pdf", [pdf])
    signed = sign(statement(bundle, contents.counted, out.files))
    yield from out.file("manifest.json", [orjson.dumps(signed)])
    yield out.end()


def _checkpoint(query: str, *values: object) -> Checkpoint | None:
    rows = fetch(query, values)
    return Checkpoint(rows[0][0], rows[0][1], bytes(rows[0][2])) if rows else None
