"""`manage.py reseal`: encrypt what is stored with the first key, so that an older one can go."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.audit.siem.reseal import reseal_streams
from approvals.connections.reseal import reseal_connections


class Command(BaseCommand):
    help = "Encrypt the secrets of connections and streams with the first of SECRETS_KEY."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        connections, streams = reseal_connections(), reseal_streams()
        self.stdout.write(f"{connections.done} connections and {streams.done} streams resealed")
        if names := ", ".join(connections.broken + streams.broken):
            raise CommandError(f"No key opens the secrets of: {names}. Enter them again.")
