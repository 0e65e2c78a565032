"""Sign-ins, failed sign-ins and sign-outs go to the ledger, whichever way they come.

What was typed at a failed sign-in is not kept: people type passwords into the name field.
"""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.signals import authentication_failed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from portal.accounts.devices import end_own_session, note_device
from portal.accounts.models import User
from portal.ledger.actors import SYSTEM, person_actor
from portal.ledger.record import record

# What django-allauth notes in a session, in the words of the ledger.
METHODS = {"webauthn": "passkey", "recovery_codes": "recovery-code"}


def _person(user: User | None) -> dict[str, str]:
    return {"kind": "person", "id": str(user.actor_ref)} if user else {"kind": "unknown"}


def signed_in_by(request: HttpRequest, user: User) -> str:
    """How this session was opened, for example `password+totp`; `session` where nothing says."""
    records = get_authentication_records(request, user)
    found = [_word(step) for step in records if not step.get("reauthenticated")]
    return "+".join(dict.fromkeys(found)) or "session"


def _word(step: dict[str, Any]) -> str:
    if step["method"] == "socialaccount":
        provider = str(step["provider"])
        return provider if ":" in provider else f"oidc:{provider}"
    name = str(step.get("type", step["method"]))
    return METHODS.get(name, name)


@receiver(user_logged_in, dispatch_uid="ledger.sign_in")
def record_sign_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    authn = signed_in_by(request, user)
    with transaction.atomic():
        note_device(request, user, authn)
        record("sign_in.succeeded", actor=person_actor(user, authn=authn), object=_person(user))


@receiver(user_login_failed, dispatch_uid="ledger.sign_in_failed")
def record_failed_sign_in(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    """Names the person whose account was tried, where there is one; nothing typed otherwise."""
    typed = str(credentials.get("username", ""))[:150].replace("\0", "")
    tried = User.objects.filter(username__iexact=typed).first() if typed else None
    record_refused(tried)


@receiver(authentication_failed, dispatch_uid="ledger.factor_failed")
def record_failed_code(sender: Any, user: User, **kwargs: Any) -> None:
    """A wrong code after a right password, or where somebody signed in confirms that it is them."""
    record_refused(user)


def record_refused(tried: User | None) -> None:
    """A sign-in or a confirmation that failed; `tried` is whose, where that is known."""
    with transaction.atomic():
        record("sign_in.failed", actor=SYSTEM, outcome="refused", object=_person(tried))


@receiver(user_logged_out, dispatch_uid="ledger.sign_out")
def record_sign_out(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is None:
        return  # somebody signed out who was not signed in
    with transaction.atomic():
        record("sign_out.done", actor=person_actor(user), object=_person(user))
        end_own_session(request, user)
