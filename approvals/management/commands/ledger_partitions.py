"""`manage.py ledger_partitions`: the ledger's months to come, made before they are needed."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.utils import IntegrityError, ProgrammingError

from portal.ledger.sql import COUNT_PARTITIONS, MAKE_PARTITION, MONTHS_AHEAD

NOT_OWNER = "Only the owner of the tables may do this: set DATABASE_URL to the owner's address."
OVERFLOWN = (
    "The month {month} months ahead gets no partition: entries of it lie in ledger_entry_rest "
    "already. They are as safe there, and are found."
)


class Command(BaseCommand):
    help = (
        "Make the ledger's partitions for this month and the next 23, where missing. Run it as the "
        "owner of the tables, at each upgrade and at least once a year; `make run` does it itself."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--migrate", action="store_true", help="bring the tables up to date first"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["migrate"]:
            call_command("migrate", verbosity=0, interactive=False)
        with connection.cursor() as cursor:
            before = _count(cursor)
            for month in range(MONTHS_AHEAD):
                self._make(cursor, month)
            made = _count(cursor) - before
        if options["verbosity"] > 0:
            self.stdout.write(f"{made} partitions made")

    def _make(self, cursor: Any, month: int) -> None:
        try:
            with transaction.atomic():
                cursor.execute(MAKE_PARTITION, [month])
        except ProgrammingError as error:
            raise CommandError(NOT_OWNER) from error
        except IntegrityError:
            self.stderr.write(OVERFLOWN.format(month=month))


def _count(cursor: Any) -> int:
    cursor.execute(COUNT_PARTITIONS)
    return int(cursor.fetchone()[0])
