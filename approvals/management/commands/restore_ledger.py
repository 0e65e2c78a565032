"""`manage.py restore_ledger`: read an archived month back, so that the portal shows it again."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from approvals.audit.archive import restore
from approvals.management.owner_errors import told


class Command(BaseCommand):
    help = (
        "Verify the file of an archived month against the sealed log and put its entries on the "
        "ledger's table again. Run it as the owner of the tables."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="for example ledger-2025-01.tsv.gz")

    def handle(self, *args: Any, **options: Any) -> None:
        with told():
            found = restore(options["file"])
        self.stdout.write(f"{found.name}: {found.entries:,} entries verified, online again.")
