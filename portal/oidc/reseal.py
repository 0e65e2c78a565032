"""Sealing the secrets of all providers anew, after the first of SECRETS_KEY was changed."""

from django.db import transaction

from portal.kernel.sealed import SealBroken, reseal
from portal.ledger.actors import SYSTEM
from portal.ledger.record import record
from portal.oidc.models import SignInProvider


def reseal_providers() -> tuple[int, list[str]]:
    """How many were done, and which have a secret that no key opens; each is a transaction."""
    done, broken = 0, []
    for provider_id in SignInProvider.objects.exclude(secret="").values_list("pk", flat=True):
        with transaction.atomic():
            provider = SignInProvider.objects.select_for_update().get(pk=provider_id)
            try:
                provider.secret = reseal(provider.secret) if provider.secret else ""
            except SealBroken:
                broken.append(f"{provider.name} ({provider.pk})")
                continue
            provider.save(update_fields=["secret"])
            about = {"kind": "sign_in_provider", "id": str(provider.pk)}
            record("sign_in_provider.resealed", actor=SYSTEM, object=about)
            done += 1
    return done, broken
