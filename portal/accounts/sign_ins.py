"""Sign-ins, failed sign-ins and sign-outs go to the ledger, whichever way they come.

What was typed at a failed sign-in is not kept: people type passwords into the name field.
"""

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver

from portal.accounts.models import User
from portal.ledger.actors import SYSTEM, person_actor
from portal.ledger.record import record


def _person(user: User) -> dict[str, str]:
    return {"kind": "person", "id": str(user.actor_ref)}


@receiver(user_logged_in, dispatch_uid="ledger.sign_in")
def record_sign_in(sender: Any, user: User, request: Any = None, **kwargs: Any) -> None:
    """Says through which provider, where it was one."""
    steps = get_authentication_records(request, user) if request is not None else []
    through = [step["provider"] for step in steps if step["method"] == "socialaccount"]
    authn = f"oidc:{through[-1]}" if through else "session"
    with transaction.atomic():
        record("sign_in.succeeded", actor=person_actor(user, authn=authn), object=_person(user))


@receiver(user_login_failed, dispatch_uid="ledger.sign_in_failed")
def record_failed_sign_in(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    """Names the person whose account was tried, where there is one; nothing typed otherwise."""
    typed = str(credentials.get("username", ""))[:150].replace("\0", "")
    tried = User.objects.filter(username__iexact=typed).first() if typed else None
    with transaction.atomic():
        record(
            "sign_in.failed",
            actor=SYSTEM,
            outcome="refused",
            object=_person(tried) if tried else {"kind": "unknown"},
        )


@receiver(user_logged_out, dispatch_uid="ledger.sign_out")
def record_sign_out(sender: Any, user: User | None, **kwargs: Any) -> None:
    if user is None:
        return  # somebody signed out who was not signed in
    with transaction.atomic():
        record("sign_out.done", actor=person_actor(user), object=_person(user))
