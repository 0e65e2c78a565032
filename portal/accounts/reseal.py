"""Sealing the secrets of all second factors anew, after the first of SECRETS_KEY was changed."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from portal.accounts.models import User
from portal.kernel.sealed import SealBroken, reseal
from portal.ledger.actors import SYSTEM
from portal.ledger.record import record

SECRETS = ("secret", "seed")


def reseal_factors() -> tuple[int, list[str]]:
    """Encrypt every secret with the first key, each in a transaction of its own.

    How many were done, and whose secret opens with no key.
    """
    done, broken = 0, []
    sealed = Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN)
    for factor_id in sealed.values_list("pk", flat=True):
        with transaction.atomic():
            factor = Authenticator.objects.select_for_update().get(pk=factor_id)
            person = User.objects.get(pk=factor.user_id)
            try:
                factor.data |= {n: reseal(factor.data[n]) for n in SECRETS if n in factor.data}
            except SealBroken:
                broken.append(f"{person} ({factor.get_type_display()})")
                continue
            factor.save(update_fields=["data"])
            about = {"kind": "factor", "id": str(factor.pk), "factor": str(factor.type)}
            record(
                "factor.resealed", actor=SYSTEM, object=about | {"person": str(person.actor_ref)}
            )
            done += 1
    return done, broken
