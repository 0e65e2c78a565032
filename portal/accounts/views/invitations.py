"""Inviting people, and the page that an invitation opens."""

from uuid import UUID

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.access import Capability, require
from portal.accounts.forms import FirstPasswordForm, InviteForm
from portal.accounts.invitations import (
    accept_invitation,
    find_invitation,
    invite_again,
    invite_person,
    withdraw_invitation,
)
from portal.accounts.invite_mail import link_of, mail_invitation
from portal.accounts.models import Invitation
from portal.accounts.queries import given_to, load_person
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page


def _send(request: PersonRequest, invitation: Invitation, secret: str) -> HttpResponse:
    """Mail it; where that does not go, the administrator gets the link to hand over."""
    person = invitation.person
    why = mail_invitation(invitation, secret)
    if not why:
        messages.success(request, _("Invitation sent to %(to)s.") % {"to": person.email})
        return redirect("person", person.pk)
    context = {
        "title": _("Invitation of %(person)s") % {"person": person},
        "text": _("%(why)s Give them this link by a safe way: whoever opens it chooses their "
                  "password. It works once, for a week.") % {"why": why},
        "secret": link_of(secret),
        "next": reverse("person", args=[person.pk]),
    }  # fmt: skip
    return render(request, "portal/secret.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def person_invite(request: PersonRequest) -> HttpResponse:
    """Add a person who chooses their own password."""
    require(request.user, Capability.ADMINISTER)
    form = InviteForm(request.POST or None)
    if made := attempt(form, invite_person, by=request.user):
        return _send(request, *made)
    return form_page(
        request,
        form,
        title=_("Invite a person"),
        intro=_("They get a link by mail and choose their own password. You can grant roles and "
                "add them to groups meanwhile."),
        submit=_("Invite"),
        cancel=reverse("people"),
    )  # fmt: skip


@never_cache
@require_http_methods(["GET", "POST"])
def person_invite_again(request: PersonRequest, person_id: UUID) -> HttpResponse:
    """Another link, after asking."""
    require(request.user, Capability.ADMINISTER)
    found = load_person(person_id)
    question = ask_first(
        request,
        title=_("Send %(person)s an invitation?") % {"person": found},
        text=_("They get a new link, which works for a week. A link they have stops working."),
        submit=_("Send an invitation"),
        cancel=reverse("person", args=[found.pk]),
    )
    return question or _send(request, *invite_again(by=request.user, person=found))


@require_http_methods(["GET", "POST"])
def person_invite_end(request: PersonRequest, person_id: UUID) -> HttpResponse:
    """Take the invitation back, after asking."""
    require(request.user, Capability.ADMINISTER)
    found = load_person(person_id)
    question = ask_first(
        request,
        title=_("Withdraw the invitation of %(person)s?") % {"person": found},
        text=_("Their link stops working. You can invite them again."),
        submit=_("Withdraw invitation"),
        cancel=reverse("person", args=[found.pk]),
    )
    if question:
        return question
    withdraw_invitation(by=request.user, person=found)
    messages.success(request, _("Invitation withdrawn."))
    return redirect("person", found.pk)


@never_cache
@login_not_required
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """What awaits the invited person, and their first password. Looking changes nothing."""
    found = find_invitation(secret)
    form = FirstPasswordForm(request.POST or None)
    if person := attempt(form, accept_invitation, secret=secret):
        login = Login(user=person, redirect_url=reverse("security"))
        answer: HttpResponse = perform_password_login(request, {"username": person.username}, login)
        return answer
    context = {"invited": found.person, "form": form, **given_to(found.person)}
    return render(request, "account/invitation.html", context, status=422 if form.errors else 200)
