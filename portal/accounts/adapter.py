"""How django-allauth behaves here: nobody signs up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up is closed: administrators add people."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
