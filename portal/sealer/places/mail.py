"""A mailbox: checkpoints by mail, for somebody who keeps them. It cannot be read back.

Whoever finds a checkpoint in the mailbox that the database contradicts has the proof; the sealer
cannot notice by itself.
"""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from portal.ledger.origins import Anchored
from portal.sealer.history import Cosignature, History, Signed
from portal.sealer.places.duration import duration
from portal.sealer.refusals import PlaceFailed

EVERY = "1d"
SECONDS = 15.0
_PORTS = {"smtp": 25, "smtps": 465}


def place_of(address: str) -> "Mailbox":
    """`mailto:WHO?smtp=smtps://[USER:PASSWORD@]HOST[:PORT]&from=WHO&every=1d`.

    Raises ValueError.
    """
    parts = urlsplit(address)
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    server = urlsplit(asked.get("smtp", ""))
    to, sender = unquote(parts.path), asked.get("from", "")
    if asked.keys() - {"smtp", "from", "every"} or server.scheme not in _PORTS:
        raise ValueError("mailto:WHO?smtp=smtps://HOST&from=WHO&every=1d is what is known")
    if not server.hostname or "@" not in to or "@" not in sender:
        raise ValueError("smtp names a host, to and from are addresses")
    return Mailbox(to, sender, server, duration(asked.get("every", EVERY)).total_seconds())


class Mailbox:
    """Who gets checkpoints, at most one each `pause` seconds, through which server.

    The name has the host of the address alone: whose it is must not stand in the ledger for ever.
    """

    readable = False

    def __init__(self, to: str, sender: str, server: SplitResult, pause: float) -> None:
        self.name = f"mailto:{to.rpartition('@')[2]}"
        self.pause = pause
        self._to = to
        self._sender = sender
        self._server = server

    def check(self, history: History) -> Anchored | None:
        """Nothing to hold against the log."""
        return None

    def anchor(self, signed: Signed, history: History) -> Cosignature | None:
        """Send one mail."""
        try:
            with self._connected() as session:
                self._sign_in(session)
                session.send_message(self._message(signed))
        except (OSError, smtplib.SMTPException) as problem:
            raise PlaceFailed(f"took no mail: {type(problem).__name__}") from None
        return None

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        host, port = server.hostname or "", server.port or _PORTS[server.scheme]
        if server.scheme == "smtps":
            return smtplib.SMTP_SSL(
                host, port, timeout=SECONDS, context=ssl.create_default_context()
            )
        return smtplib.SMTP(host, port, timeout=SECONDS)

    def _sign_in(self, session: smtplib.SMTP) -> None:
        """TLS where the server has it, and always before a password."""
        server = self._server
        session.ehlo()
        if server.scheme == "smtp" and (session.has_extn("starttls") or server.username):
            session.starttls(context=ssl.create_default_context())
        if server.username:
            session.login(unquote(server.username), unquote(server.password or ""))

    def _message(self, signed: Signed) -> EmailMessage:
        found = signed.checkpoint
        message = EmailMessage()
        message["From"], message["To"] = self._sender, self._to
        message["Subject"] = f"Checkpoint of {found.origin}: {found.size} entries"
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="countersign")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(
            f"{signed.note}\n"
            "This signed checkpoint says which entries the ledger holds. Keep it: together with\n"
            "the key it shows later whether the ledger was set back or rewritten.\n"
        )
        return message
