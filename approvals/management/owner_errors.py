"""What commands of the owner of the tables say when something does not go."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.core.management.base import CommandError

from portal.kernel.errors import Refused
from portal.ledger.archive_file import BadArchive

BUSY = "Somebody holds the ledger for longer than three seconds: nothing was changed. Run it again."


@contextmanager
def told() -> Iterator[None]:
    """A refusal, a bad file or a full disk as CommandError."""
    try:
        yield
    except Refused as refusal:
        raise CommandError(refusal.sentence) from refusal
    except (BadArchive, OSError) as problem:
        raise CommandError(str(problem)) from problem
    except psycopg.errors.LockNotAvailable as problem:
        raise CommandError(BUSY) from problem
