"""How mail leaves the portal: one address of a mail server, or none."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

BACKENDS = "django.core.mail.backends"
PORTS = {"smtps": 465, "smtp": 587, "smtp+plain": 25}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class MailServer:
    """As Django's settings want it. `backend` is `dummy` where no mail is sent."""

    backend: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False


def parse_email_url(url: str) -> MailServer:
    """Read `smtp://` (STARTTLS), `smtps://` (TLS from the first byte), `smtp+plain://` (neither)
    or `console:`; none for an empty text.

    Raises ValueError for anything else, and for a password that would go through the network in
    the clear.
    """
    if not url:
        return MailServer(f"{BACKENDS}.dummy.EmailBackend")
    if url == "console:":
        return MailServer(f"{BACKENDS}.console.EmailBackend")
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("EMAIL_URL must begin with smtp://, smtps:// or smtp+plain:// and a host.")
    plain = parts.scheme == "smtp+plain"
    if plain and parts.password and parts.hostname not in LOOPBACK:
        raise ValueError("EMAIL_URL: a password needs smtp:// or smtps://.")
    return MailServer(
        f"{BACKENDS}.smtp.EmailBackend",
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=parts.scheme == "smtp",
        tls=parts.scheme == "smtps",
    )
