"""`manage.py reseal`: encrypt what is stored with the first key, so that an older one can go."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.audit.siem.reseal import reseal_streams
from approvals.connections.reseal import reseal_connections
from portal.accounts.reseal import reseal_factors
from portal.oidc.reseal import reseal_providers


class Command(BaseCommand):
    help = "Encrypt the secrets that are stored with the first of SECRETS_KEY."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        connections, streams = reseal_connections(), reseal_streams()
        (factors, lost), (providers, broken) = reseal_factors(), reseal_providers()
        self.stdout.write(
            f"{connections.done} connections, {streams.done} streams, {factors} factors and "
            f"{providers} sign-in providers resealed"
        )
        if names := ", ".join([*connections.broken, *streams.broken, *lost, *broken]):
            raise CommandError(f"No key opens the secrets of: {names}. Enter them again.")
