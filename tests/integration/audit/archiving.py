"""A month that is long over, in the test's own transaction: written, sealed, archived."""

import io

from django.core.management import call_command
from django.db import connection

from portal.ledger.archive import file_of
from portal.ledger.months import month_named
from portal.sealer.append import Log
from portal.sealer.key import signers_of
from portal.sealer.publish import publish_checkpoints, sign_checkpoints

MONTH = "2024-03"
FILE = file_of(month_named(MONTH))


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def today():
    """What is recorded from here on is recorded as of now."""
    sql("ALTER TABLE ledger_entry ALTER at SET DEFAULT clock_timestamp()")


def seal(who):
    """All steps of the sealer, on the test's connection."""
    own = connection.connection
    log = Log(own, "countersign.example/log/tests")
    signers = signers_of(who.key_file, log.origin, own, new=True)
    log.append(compare_all=True)
    sign_checkpoints(own, signers)
    publish_checkpoints(own)


def run(command, *arguments, **options):
    """What a command says."""
    out = io.StringIO()
    call_command(command, *arguments, stdout=out, **options)
    return out.getvalue()


def archive(who, **options):
    """`archive_ledger` into the folder of the test."""
    return run("archive_ledger", to=who.folder, **options)
