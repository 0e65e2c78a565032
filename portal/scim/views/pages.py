"""Pages of the directories that keep people and groups here. Administrators only."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.access import Capability, require
from portal.kernel.errors import NotFound
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page, page_of
from portal.kernel.person_field import suggestions
from portal.scim.directories import archive_directory, create_directory, renew_token
from portal.scim.forms import DirectoryForm, GiveGroupForm, GivePersonForm
from portal.scim.hand_over import give_group, give_person, take_group, take_person
from portal.scim.models import Directory
from portal.scim.queries import directories as all_directories
from portal.scim.queries import groups_of, load_directory, people_of


def _load(request: PersonRequest, directory_id: UUID) -> Directory:
    require(request.user, Capability.ADMINISTER)
    return load_directory(directory_id)


def _address(found: Directory) -> str:
    return reverse("directory", args=[found.pk])


def _secret_page(request: PersonRequest, found: Directory, secret: str) -> HttpResponse:
    context = {
        "title": _("Token of %(directory)s") % {"directory": found},
        "text": _("Enter it in the identity provider now, beside the address %(address)s. Only its "
                  "hash is stored: nobody can show it again.")
        % {"address": f"{settings.PUBLIC_URL}/scim/v2"},
        "secret": secret,
        "next": _address(found),
    }  # fmt: skip
    return render(request, "portal/secret.html", context)


@require_safe
def directories(request: PersonRequest) -> HttpResponse:
    """Every directory and how much it keeps."""
    require(request.user, Capability.ADMINISTER)
    context = {"page": page_of(request, all_directories())}
    return render(request, "portal/directories.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def directory_new(request: PersonRequest) -> HttpResponse:
    """Connect a directory; its token is shown once."""
    require(request.user, Capability.ADMINISTER)
    form = DirectoryForm(request.POST or None)
    if made := attempt(form, create_directory, by=request.user):
        return _secret_page(request, *made)
    return form_page(
        request,
        form,
        title=_("Connect a directory"),
        submit=_("Connect directory"),
        cancel=reverse("directories"),
        intro=_("An identity provider that adds, changes and deactivates people here over SCIM, "
                "and says who is in approver groups. It reaches only what it added itself or was "
                "handed, and no roles."),
    )  # fmt: skip


@require_safe
def directory(request: PersonRequest, directory_id: UUID) -> HttpResponse:
    """One directory, the groups and the people it keeps."""
    found = _load(request, directory_id)
    context = {
        "directory": found,
        "address": f"{settings.PUBLIC_URL}/scim/v2",
        "groups": groups_of(found).order_by("group__name"),
        "page": page_of(request, people_of(found).order_by("person__name", "id")),
    }
    return render(request, "portal/directory.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def directory_token(request: PersonRequest, directory_id: UUID) -> HttpResponse:
    """Renew the token, after asking; it is shown once."""
    found = _load(request, directory_id)
    question = ask_first(
        request,
        title=_("New token for %(directory)s?") % {"directory": found},
        text=_("The one it has now is refused at once, so nothing is provisioned until the new one "
               "is entered there."),
        submit=_("Make a new token"),
        cancel=_address(found),
    )  # fmt: skip
    return question or _secret_page(request, found, renew_token(by=request.user, directory=found))


@require_http_methods(["GET", "POST"])
def directory_archive(request: PersonRequest, directory_id: UUID) -> HttpResponse:
    """Refuse a directory for good, after asking."""
    found = _load(request, directory_id)
    question = ask_first(
        request,
        title=_("Archive %(directory)s?") % {"directory": found},
        text=_("Its token is refused from then on, and nobody is deactivated when they leave over "
               "there. People, groups and memberships stay as they are and are yours to change. "
               "This cannot be undone."),
        submit=_("Archive directory"),
        cancel=_address(found),
    )  # fmt: skip
    if question:
        return question
    archive_directory(by=request.user, directory=found)
    messages.success(request, _("Directory archived."))
    return redirect("directory", found.pk)


@require_http_methods(["GET", "POST"])
def directory_give_person(request: PersonRequest, directory_id: UUID) -> HttpResponse:
    """Hand a person to a directory."""
    found = _load(request, directory_id)
    form = GivePersonForm(request.POST or None)
    if attempt(form, give_person, by=request.user, directory=found):
        messages.success(request, _("Handed over. The directory finds them by sign-in name."))
        return redirect("directory", found.pk)
    return form_page(
        request,
        form,
        title=_("Hand a person to %(directory)s") % {"directory": found},
        submit=_("Hand over"),
        cancel=_address(found),
        intro=_("From then on the directory changes their name, sign-in name and address, and "
                "deactivates them."),
        people=suggestions(),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def directory_give_group(request: PersonRequest, directory_id: UUID) -> HttpResponse:
    """Hand an approver group to a directory."""
    found = _load(request, directory_id)
    form = GiveGroupForm(request.POST or None)
    if attempt(form, give_group, by=request.user, directory=found):
        messages.success(request, _("Handed over. The directory says who is in it, too."))
        return redirect("directory", found.pk)
    return form_page(
        request,
        form,
        title=_("Hand a group to %(directory)s") % {"directory": found},
        submit=_("Hand over"),
        cancel=_address(found),
        intro=_("From then on whoever the directory puts into the group may decide for it. Members "
                "that managers added stay."),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def directory_take_person(
    request: PersonRequest, directory_id: UUID, person_id: UUID
) -> HttpResponse:
    """Take a person back, after asking."""
    found = _load(request, directory_id)
    kept = people_of(found).filter(person_id=person_id).first()
    if kept is None:
        raise NotFound("This directory does not keep this person.")
    question = ask_first(
        request,
        title=_("Take %(person)s from %(directory)s?")
        % {"person": kept.person, "directory": found},
        text=_("The directory no longer changes them, nor deactivates them when they leave. What "
               "they are and hold stays."),
        submit=_("Take back"),
        cancel=_address(found),
    )  # fmt: skip
    if question:
        return question
    take_person(by=request.user, directory=found, person=kept.person)
    messages.success(request, _("Taken back."))
    return redirect("directory", found.pk)


@require_http_methods(["GET", "POST"])
def directory_take_group(
    request: PersonRequest, directory_id: UUID, group_id: UUID
) -> HttpResponse:
    """Take a group back, after asking."""
    found = _load(request, directory_id)
    kept = groups_of(found).filter(group_id=group_id).first()
    if kept is None:
        raise NotFound("This directory does not keep this group.")
    question = ask_first(
        request,
        title=_("Take %(group)s from %(directory)s?") % {"group": kept.group, "directory": found},
        text=_("The directory no longer says who is in it. Who is in it stays until a manager "
               "removes them."),
        submit=_("Take back"),
        cancel=_address(found),
    )  # fmt: skip
    if question:
        return question
    take_group(by=request.user, directory=found, group=kept.group)
    messages.success(request, _("Taken back."))
    return redirect("directory", found.pk)
