"""Testing a stream: the newest entry is sent once more, and what came of it is said."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from approvals.audit.siem.configure import note
from approvals.audit.siem.deliver import Undelivered, deliver, sender_of
from approvals.audit.siem.formats import batch_of
from approvals.audit.siem.leaves import Unreadable, newest_entry
from approvals.models import SiemStream
from portal.access import Capability, require
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.kernel.text import make_visible
from portal.ledger.actors import person_actor
from portal.ledger.proofs import published_checkpoint


@dataclass(frozen=True)
class Tested:
    """Whether the receiver took it, and a sentence."""

    works: bool
    sentence: str


def try_stream(*, by: Any, stream: SiemStream) -> Tested:
    """Send the newest entry of the stream now, also while it is paused; its position stays.

    One that kept failing and works again goes on at once. Raises Forbidden, Conflict (removed).
    """
    require(by, Capability.ADMINISTER)
    if stream.removed_at:
        raise Conflict(_("This stream was removed."), code="removed")
    found = _tried(stream)
    with transaction.atomic():
        outcome = "works" if found.works else "fails"
        note(stream, "stream.tested", person_actor(by), outcome=outcome)
        if found.works:
            failing = SiemStream.objects.filter(pk=stream.pk, failing_since__isnull=False)
            failing.filter(next_try__gt=now()).update(next_try=now())
    return found


def _tried(stream: SiemStream) -> Tested:
    checkpoint = published_checkpoint()
    try:
        entry = newest_entry(checkpoint.size, stream.project_id) if checkpoint else None
        if checkpoint is None or entry is None:
            return Tested(False, _("nothing is sealed yet that could be sent"))
        deliver(stream, batch_of(stream.kind, [entry], sender_of(checkpoint.origin)).body)
    except (Undelivered, Unreadable) as failure:
        return Tested(False, make_visible(str(failure)))
    return Tested(True, _("Entry %(id)s was taken.") % {"id": entry.event_id})
