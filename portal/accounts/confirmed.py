"""Whether the person at the keyboard showed a moment ago that it is them.

allauth's own way is not used: it lets people without password through, takes the password for
enough where there is a second factor, and repeats a stored POST.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from portal.accounts.factors import factors_of
from portal.kernel.http import PersonRequest

View = Callable[..., HttpResponse]


def is_confirmed(request: PersonRequest) -> bool:
    """Whether this session proved itself lately, by a second factor where the person has one."""
    oldest = time.time() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    lately = [r for r in get_authentication_records(request, request.user) if r["at"] > oldest]
    if factors_of(request.user).exists():
        return any(record["method"] == "mfa" for record in lately)
    return bool(lately)


def confirmed_lately(view: View) -> View:
    """The view for whoever is confirmed; others confirm first and then come back to its form."""

    @wraps(view)
    def asked(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_confirmed(request):
            return view(request, *args, **kwargs)
        return redirect(f"{reverse('mfa_reauthenticate')}?{urlencode({'next': request.path})}")

    return asked
