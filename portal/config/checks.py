"""What makes an installation unsafe, found before it serves: `manage.py check --database default`.

The server runs these when it starts and does not start with an error among them.
"""

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections

from approvals.context.registry import PROBLEMS
from portal.kernel import key_files


@register(Tags.database)
def ledger_is_safe(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Acknowledged entries must survive a crash, and the app's role must not be able to rewrite."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute(
                    """SELECT current_setting('synchronous_commit'), current_user,
                              (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
                              pg_has_role(current_user, relowner, 'MEMBER')
                       FROM pg_class WHERE oid = to_regclass('ledger_entry')"""
                )
                row = cursor.fetchone()
        except DatabaseError as error:
            return [Error(f"The database does not answer: {error}", id="countersign.E001")]
        if row is not None:
            found += _of(*row)
    return found


def _of(commit: str, role: str, superuser: bool, owns: bool) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if commit == "off":
        found.append(
            Error(
                "synchronous_commit is off: a crash loses decisions that were acknowledged.",
                hint=f"ALTER ROLE {role} SET synchronous_commit = on",
                id="countersign.E002",
            )
        )
    if superuser or owns:
        found.append(
            Warning(
                f"The database role {role} owns the ledger's table or is a superuser: it could "
                "drop the guards and rewrite history.",
                hint="Use the role countersign_app (docs/how-to/run-in-production.md).",
                id="countersign.W001",
            )
        )
    return found


@register(Tags.security)
def checkpoint_key_is_apart(**_: Any) -> list[CheckMessage]:
    """Who serves pages must not be able to sign checkpoints of a ledger that they can write to.

    `make run` runs everything as one account, which can read all of its files: there it is said.
    """
    newest = settings.CHECKPOINT_KEY_FILE
    both = (newest, key_files.previous_of(newest))
    path = next((one for one in both if os.access(one, os.R_OK)), None)
    if path is None:
        return []
    if settings.EMBEDDED:
        return [
            Warning(
                "Web can read the key of the checkpoints, because `make run` runs everything as "
                "one account: what is sealed proves nothing against whoever has that account.",
                hint="In production the sealer has an account of its own.",
                id="countersign.W003",
            )
        ]
    return [
        Error(
            f"This process can read {path}, the key that signs checkpoints: with it the sealed "
            "history could be rewritten.",
            hint="Run the sealer as an account of its own (docs/how-to/run-in-production.md).",
            id="countersign.E004",
        )
    ]


@register(Tags.security, deploy=True)
def address_is_public(**_: Any) -> list[CheckMessage]:
    """Cookies and tokens travel in clear text over http."""
    if settings.PUBLIC_URL.startswith("https://"):
        return []
    return [
        Warning(
            "COUNTERSIGN_URL is not an https:// address: tokens and sessions travel in clear text.",
            id="countersign.W002",
        )
    ]


@register(Tags.security)
def nothing_of_development(**_: Any) -> list[CheckMessage]:
    """What is handy on one's own machine gives secrets away on a public address."""
    if not settings.PUBLIC_URL.startswith("https://"):
        return []
    found: list[CheckMessage] = []
    if settings.DEBUG:
        found.append(
            Error(
                "COUNTERSIGN_DEBUG is on: error pages show settings and data to anybody.",
                hint="Unset COUNTERSIGN_DEBUG.",
                id="countersign.E005",
            )
        )
    if "*" in settings.ALLOWED_HOSTS:
        found.append(
            Error(
                "ALLOWED_HOSTS has a star: links in mails and pages could lead anywhere.",
                hint="Name the hosts; that of COUNTERSIGN_URL is among them by itself.",
                id="countersign.E006",
            )
        )
    return found


@register(Tags.security, deploy=True)
def secrets_have_their_own_key(**_: Any) -> list[CheckMessage]:
    """Else nobody can replace SECRET_KEY without losing what is stored encrypted."""
    if settings.SECRETS_KEY:
        return []
    return [
        Warning(
            "SECRETS_KEY is not set: what the portal keeps encrypted hangs on SECRET_KEY.",
            hint="Set SECRETS_KEY to a new key followed by SECRET_KEY, then run manage.py reseal.",
            id="countersign.W004",
        )
    ]


@register(Tags.security, deploy=True)
def parts_talk_in_private(**_: Any) -> list[CheckMessage]:
    """The database and the broker, where they are on another machine."""
    found: list[CheckMessage] = []
    database = settings.DATABASES["default"]
    host = database["HOST"]
    if _is_remote(host) and database["OPTIONS"].get("sslmode") not in {"verify-ca", "verify-full"}:
        found.append(
            Warning(
                f"The database at {host} is reached without its certificate being checked.",
                hint="Add ?sslmode=verify-full to DATABASE_URL.",
                id="countersign.W005",
            )
        )
    broker = urlsplit(settings.CELERY_BROKER_URL)
    if broker.scheme in {"redis", "amqp"} and _is_remote(broker.hostname or ""):
        found.append(
            Warning(
                f"The broker at {broker.hostname} is reached without TLS: whoever writes there can "
                "wake workers as often as they like.",
                hint="Use rediss:// or amqps:// in BROKER_URL.",
                id="countersign.W006",
            )
        )
    return found


def _is_remote(host: str) -> bool:
    return not (host.startswith("/") or host in {"", "localhost", "127.0.0.1", "::1"})


@register()
def sources_are_usable(**_: Any) -> list[CheckMessage]:
    """A source that a package brings and that is left out in silence would be missed too late."""
    return [Error(problem, id="countersign.E003") for problem in PROBLEMS]
