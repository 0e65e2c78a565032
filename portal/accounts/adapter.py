"""How django-allauth behaves here: nobody signs up, and a new password is recorded."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from portal.accounts.models import User
from portal.accounts.people import set_own_password


class ClosedAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up is closed: administrators add people."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def set_password(self, user: User, password: str) -> None:
        """Stores it with its ledger entry; the form has checked the old and the new one."""
        set_own_password(person=user, password=password)
