"""`manage.py archive_ledger`: put old months of the ledger into files and take them offline."""

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from approvals.audit.archive import (
    Candidate,
    archive_month,
    candidate,
    drop_kept,
    due_months,
    kept_until,
)
from approvals.management.owner_errors import told
from portal.kernel.clock import now
from portal.ledger.archive import file_of
from portal.ledger.archived import archived_months
from portal.ledger.months import month_named, name_of
from portal.ledger.tiles import fetch


class Command(BaseCommand):
    help = (
        "Put the months that ended long enough ago into files, verify each file against the sealed "
        "log, and take the month off the ledger's table. Without --yes it only shows what it would "
        "do. Run it as the owner of the tables."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--month", metavar="YYYY-MM", help="this month alone, however old")
        parser.add_argument(
            "--to", type=Path, default=settings.HOME / "archive", metavar="FOLDER",
            help="where the files are (%(default)s)",
        )  # fmt: skip
        parser.add_argument("--yes", action="store_true", help="do it")
        parser.add_argument(
            "--drop", action="store_true",
            help="also drop the tables of archived months, after their files were verified again",
        )  # fmt: skip
        parser.add_argument(
            "--expired", action="store_true", help="only list files that may be deleted by now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["expired"]:
            self._expired()
            return
        with told():
            self._archive(options["to"], _asked(options["month"]), doing=options["yes"])
            if options["yes"] and options["drop"]:
                for name in drop_kept(options["to"]):
                    self.stdout.write(f"{name}: its table is dropped.")
        if not options["yes"]:
            self.stdout.write("Nothing was changed. Say --yes to do it.")

    def _archive(self, folder: Path, asked: date | None, *, doing: bool) -> None:
        at = now()
        for month in [asked] if asked else due_months(at):
            found = candidate(month, at)
            self._say(found, folder)
            if doing and not found.obstacles:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                archive_month(found, folder)
                self.stdout.write(f"{name_of(month)}: verified and taken offline.")

    def _say(self, found: Candidate, folder: Path) -> None:
        name = name_of(found.month)
        if found.obstacles:
            self.stdout.write(f"{name}: stays online. {' '.join(found.obstacles)}")
        else:
            self.stdout.write(f"{name}: {found.entries:,} entries, {folder / file_of(found.month)}")

    def _expired(self) -> None:
        for found in archived_months(fetch):
            until = kept_until(found)
            if until <= now().date():
                self.stdout.write(f"{found.file}: kept until {until}, may be deleted.")


def _asked(name: str | None) -> date | None:
    try:
        return month_named(name) if name else None
    except ValueError as error:
        raise CommandError("Write a month like 2025-01.") from error
