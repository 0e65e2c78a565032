"""`manage.py reseal`: encrypt what is stored with the first key, so that an older one can go."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.audit.siem.reseal import reseal_streams
from approvals.connections.reseal import reseal_connections
from portal.oidc.reseal import reseal_providers


class Command(BaseCommand):
    help = "Encrypt the secrets that are stored with the first of SECRETS_KEY."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        connections, streams = reseal_connections(), reseal_streams()
        providers, broken = reseal_providers()
        self.stdout.write(
            f"{connections.done} connections, {streams.done} streams and {providers} sign-in "
            "providers resealed"
        )
        if names := ", ".join(connections.broken + streams.broken + broken):
            raise CommandError(f"No key opens the secrets of: {names}. Enter them again.")
