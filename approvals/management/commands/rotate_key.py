"""`manage.py rotate_key`: let another key sign permits, with the one before it for a while."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from approvals.lifecycle.rotation import retire_previous_key, rotate_permit_key
from portal.kernel.errors import Conflict


class Command(BaseCommand):
    help = "Make a new key for permits. Both keys sign until --retire-previous."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("purpose", choices=["permit"], help="what the key signs")
        parser.add_argument(
            "--retire-previous", action="store_true", help="let the newest key sign alone"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["retire_previous"]:
                self.stdout.write(f"{retire_previous_key()} signs no more; it stays listed")
            else:
                self.stdout.write(f"{rotate_permit_key()} signs from now on, with the one before")
        except (Conflict, OSError) as error:
            raise CommandError(str(error)) from None
