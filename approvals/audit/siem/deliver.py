"""One sending to the receiver of a stream: it took all of it, or why not and when to try again."""

import hashlib
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings

from approvals.audit.siem.address import address_of, reach_of
from approvals.audit.siem.entry import Sender
from approvals.audit.siem.signature import signed
from approvals.context.limits import limit_of
from approvals.models import SiemStream
from portal.kernel.clock import now
from portal.kernel.database import let_go
from portal.kernel.errors import Invalid
from portal.kernel.outgoing import Got, OutgoingFailed, pour, send
from portal.kernel.sealed import SealBroken, unseal

SECONDS = 20.0
MOST_ANSWERED = 1024 * 1024


class Undelivered(Exception):
    """It was not taken, or not all of it; the words read on after the receiver's name.

    `until`: it asks not to be tried before. `gone`: it wants nothing more, ever.
    """

    def __init__(self, words: str, *, until: datetime | None = None, gone: bool = False) -> None:
        super().__init__(words)
        self.until = until
        self.gone = gone


def sender_of(log: str) -> Sender:
    """This portal, as receivers are told."""
    return Sender(urlsplit(settings.PUBLIC_URL).hostname or "", settings.VERSION, log)


def deliver(stream: SiemStream, body: bytes) -> None:
    """Send `body` to where the stream goes. No transaction should be open. Raises Undelivered."""
    let_go()
    try:
        if stream.kind == SiemStream.Kind.CEF:
            pour(body, address_of(stream), reach_of(stream), seconds=SECONDS)
            return
        got = send(
            "POST",
            stream.address,
            reach_of(stream),
            headers=_headers(stream, body),
            body=body,
            seconds=SECONDS,
            most_bytes=MOST_ANSWERED,
        )
    except (OutgoingFailed, SealBroken) as failure:
        raise Undelivered(str(failure)) from None
    except Invalid as refusal:
        raise Undelivered(refusal.sentence) from None
    _require_taken(got)


def _headers(stream: SiemStream, body: bytes) -> dict[str, str]:
    at = now()
    secrets = [stream.secret]
    if stream.old_until and stream.old_until > at:
        secrets.append(stream.old_secret)
    # The same when it is sent again, and another one when a person wants it sent again.
    number = hashlib.sha256(f"{stream.pk} {stream.replays} ".encode() + body).hexdigest()[:32]
    authorization = {"Authorization": unseal(stream.authorization)} if stream.authorization else {}
    return {
        "Content-Type": "application/json",
        **signed(body, number=number, at=at, secrets=map(unseal, secrets)),
        **authorization,
    }


def _require_taken(got: Got) -> None:
    """Raises Undelivered unless the answer says that it was taken."""
    if 200 <= got.status < 300:
        return
    if got.status == HTTPStatus.GONE:
        raise Undelivered("its server answers 410: it wants nothing more", gone=True)
    words = f"its server answers {got.status}"
    if 300 <= got.status < 400:
        words += ", and redirects are not followed"
    raise Undelivered(words, until=limit_of(got.status, got.headers, now()).until)
