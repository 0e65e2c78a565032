"""Pages of people; for administrators."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.access import Capability, require
from portal.accounts.devices import devices_of
from portal.accounts.factors import factors_of
from portal.accounts.forms import PersonForm
from portal.accounts.invitations import open_invitation
from portal.accounts.models import User
from portal.accounts.people import (
    change_person,
    create_person,
    deactivate_person,
    reactivate_person,
    reset_password,
    start_password,
)
from portal.accounts.queries import load_person
from portal.accounts.queries import people as all_people
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page, page_of


def _load(request: PersonRequest, person_id: UUID) -> User:
    # The right is asked first, so that nobody else learns who exists.
    require(request.user, Capability.ADMINISTER)
    return load_person(person_id)


@require_safe
def people(request: PersonRequest) -> HttpResponse:
    """Everybody who can sign in, and who could once."""
    require(request.user, Capability.ADMINISTER)
    return render(request, "portal/people.html", {"page": page_of(request, all_people())})


@require_safe
def person(request: PersonRequest, person_id: UUID) -> HttpResponse:
    """One person with their approver groups, accounts at forges and service accounts."""
    found = _load(request, person_id)
    context = {
        "person": found,
        "memberships": found.memberships.select_related("group").order_by("group__name"),
        "accounts": found.service_accounts.select_related("project").order_by("project__slug"),
        "factors": factors_of(found),
        "invitation": open_invitation(found),
        "devices": devices_of(found).count(),
        "forge_accounts": found.forge_accounts.filter(archived_at=None),
        "self": found.pk == request.user.pk,
    }
    return render(request, "portal/person.html", context)


def _show_password(request: PersonRequest, found: User, password: str) -> HttpResponse:
    context = {
        "title": _("Start password of %(person)s") % {"person": found},
        "text": _("Give it to them by a safe way and ask them to change it at once."),
        "secret": password,
        "next": reverse("person", args=[found.pk]),
    }
    return render(request, "portal/secret.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def person_new(request: PersonRequest) -> HttpResponse:
    """Add a person; their start password is shown once."""
    require(request.user, Capability.ADMINISTER)
    form = PersonForm(request.POST or None)
    password = start_password()
    if made := attempt(form, create_person, by=request.user, password=password):
        return _show_password(request, made, password)
    return form_page(
        request,
        form,
        title=_("New person"),
        intro=_("The portal makes a start password and shows it once. A new person may see "
                "nothing until somebody grants a role or adds them to a group."),
        submit=_("Add person"),
        cancel=reverse("people"),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def person_edit(request: PersonRequest, person_id: UUID) -> HttpResponse:
    """Change how a person signs in and is called."""
    found = _load(request, person_id)
    form = PersonForm(request.POST or None, instance=found)
    if attempt(form, change_person, by=request.user, person=found):
        messages.success(request, _("Person changed."))
        return redirect("person", found.pk)
    return form_page(
        request,
        form,
        title=_("Change person"),
        submit=_("Save"),
        cancel=reverse("person", args=[found.pk]),
    )


@require_http_methods(["GET", "POST"])
def person_deactivate(request: PersonRequest, person_id: UUID) -> HttpResponse:
    """End every right of a person, after asking."""
    found = _load(request, person_id)
    question = ask_first(
        request,
        title=_("Deactivate %(person)s?") % {"person": found},
        text=_("They are signed out at once, and decisions they gave for a request that was not "
               "redeemed yet no longer count. Service accounts they own keep working: hand these "
               "over. You can reactivate the person."),
        submit=_("Deactivate person"),
        cancel=reverse("person", args=[found.pk]),
    )  # fmt: skip
    if question:
        return question
    deactivate_person(by=request.user, person=found)
    messages.success(request, _("Person deactivated."))
    return redirect("person", found.pk)


@require_http_methods(["GET", "POST"])
def person_reactivate(request: PersonRequest, person_id: UUID) -> HttpResponse:
    """Give a person their rights back, after asking."""
    found = _load(request, person_id)
    question = ask_first(
        request,
        title=_("Reactivate %(person)s?") % {"person": found},
        text=_("Their roles and approver groups count again."),
        submit=_("Reactivate person"),
        cancel=reverse("person", args=[found.pk]),
    )
    if question:
        return question
    reactivate_person(by=request.user, person=found)
    messages.success(request, _("Person reactivated."))
    return redirect("person", found.pk)


@never_cache
@require_http_methods(["GET", "POST"])
def person_password(request: PersonRequest, person_id: UUID) -> HttpResponse:
    """A new start password, after asking; shown once."""
    found = _load(request, person_id)
    question = ask_first(
        request,
        title=_("New start password for %(person)s?") % {"person": found},
        text=_("Their present password stops working and they are signed out everywhere. The "
               "ledger records that you did this."),
        submit=_("Make a start password"),
        cancel=reverse("person", args=[found.pk]),
    )  # fmt: skip
    if question:
        return question
    return _show_password(request, found, reset_password(by=request.user, person=found))
