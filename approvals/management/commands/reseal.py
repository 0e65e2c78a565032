"""`manage.py reseal`: encrypt what is stored with the first key, so that an older one can go."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.connections.reseal import reseal_connections


class Command(BaseCommand):
    help = "Encrypt the secrets of all connections with the first of SECRETS_KEY."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        found = reseal_connections()
        self.stdout.write(f"{found.done} connections resealed")
        if found.broken:
            names = ", ".join(f"{one.name} ({one.pk})" for one in found.broken)
            raise CommandError(f"No key opens the secrets of: {names}. Enter them again.")
