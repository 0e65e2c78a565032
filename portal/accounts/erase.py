"""What of a person can go: who they are. Their reference stays, for the ledger names it."""

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db.models import Q

from portal.access.administered import check_administered, lock_portal
from portal.access.models import RoleGrant
from portal.accounts.devices import end_sessions
from portal.accounts.models import Absence, ForgeAccount, ForgeChallenge, User
from portal.accounts.people import check_not_erased


def forget(person: User, at: datetime) -> None:
    """Take name, sign-in name, address, password and links to forges away, and with them every
    session and right; also when they were away, and why somebody stood in.

    Inside the caller's transaction, which records it. Raises Conflict where it was done before, or
    nobody would administer the portal any more.
    """
    lock_portal()
    person = User.objects.select_for_update().get(pk=person.pk)
    check_not_erased(person)
    ref = str(person.actor_ref)
    person.username = f"erased-{ref}"
    person.name = f"Person {ref[:8]} (erased on {at:%Y-%m-%d})"
    person.email = ""
    person.set_unusable_password()
    person.is_active = False
    person.last_login = None
    person.time_zone = "UTC"
    person.erased_at = at
    person.save()
    check_administered()
    EmailAddress.objects.filter(user=person).delete()
    Absence.objects.filter(person=person).delete()
    for delegations in (person.delegations_given, person.delegations):
        delegations.update(reason="")
    SocialAccount.objects.filter(user=person).delete()
    # Why they have a role says something of them; why others do is in their words.
    mine = RoleGrant.objects.filter(Q(person=person) | Q(granted_by=person))
    mine.update(reason="", reason_salt=b"")
    Authenticator.objects.filter(user=person).delete()
    person.invitations.all().delete()
    end_sessions(person)
    ForgeAccount.objects.filter(person=person).delete()
    ForgeChallenge.objects.filter(person=person).delete()
