"""Pages of connections: a project's for its maintainers, the organisation's for administrators."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.connections.check import check_connection
from approvals.connections.configure import (
    archive_connection,
    change_connection,
    create_connection,
    pause_connection,
    require_configure,
    resume_connection,
    source_of,
)
from approvals.connections.forms import ConnectionForm
from approvals.connections.queries import connections_of, kind_title, load_connection
from approvals.context.registry import CONNECTED
from approvals.models import Connection
from approvals.views.hook import hook_address
from portal.access import Capability, holds
from portal.directory.models import Project
from portal.directory.queries import load_project
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page


def _place(request: PersonRequest, project_id: UUID | None) -> Project | None:
    """The project, None for the organisation; the right to connect systems there is asked."""
    project = load_project(request.user, project_id) if project_id else None
    require_configure(request.user, project)
    return project


def _list_address(project: Project | None) -> str:
    if project is None:
        return reverse("organisation-connections")
    return reverse("connections", args=[project.pk])


@require_safe
def connections(request: PersonRequest, project_id: UUID | None = None) -> HttpResponse:
    """The connections of a project, or of the organisation."""
    project = _place(request, project_id)
    context = {"project": project, "connections": connections_of(project)}
    return render(request, "approvals/connections.html", context)


@require_safe
def connection_kinds(request: PersonRequest, project_id: UUID | None = None) -> HttpResponse:
    """What can be connected, each with what it is for."""
    project = _place(request, project_id)
    kinds = sorted(CONNECTED.values(), key=lambda source: source.title)
    context = {"project": project, "kinds": kinds, "cancel": _list_address(project)}
    return render(request, "approvals/connection_kinds.html", context)


@require_http_methods(["GET", "POST"])
def connection_new(
    request: PersonRequest, kind: str, project_id: UUID | None = None
) -> HttpResponse:
    """Connect one system of a kind."""
    project = _place(request, project_id)
    source = source_of(kind)
    form = ConnectionForm(
        request.POST or None,
        source=source,
        project=project,
        administers=holds(request.user, Capability.ADMINISTER),
    )
    if made := attempt(form, create_connection, by=request.user, kind=kind, project=project):
        messages.success(request, _("Connected. Test it now: what waits asks it from now on."))
        return redirect("connection", made.pk)
    return form_page(
        request,
        form,
        title=_("Connect: %(kind)s") % {"kind": source.title},
        submit=_("Connect"),
        cancel=_list_address(project),
        intro=source.help,
    )


@require_safe
def connection(request: PersonRequest, connection_id: UUID) -> HttpResponse:
    """One connection: its settings, how it does, what can be done with it."""
    return _page(request, load_connection(request.user, connection_id))


def _page(request: PersonRequest, found: Connection, **more: object) -> HttpResponse:
    source = CONNECTED.get(found.kind)
    fields = source.fields if source else ()
    context = {
        "connection": found,
        "title": kind_title(found.kind),
        "back": _list_address(found.project),
        "hook_address": hook_address(found.pk),
        "settings": [
            (field.label, found.settings.get(field.name, ""))
            for field in fields
            if field.kind != "secret"
        ],
        "secrets": [
            (field.label, field.name in found.secrets) for field in fields if field.kind == "secret"
        ],
        **more,
    }
    return render(request, "approvals/connection.html", context)


@require_http_methods(["GET", "POST"])
def connection_edit(request: PersonRequest, connection_id: UUID) -> HttpResponse:
    """Change a connection."""
    found = load_connection(request.user, connection_id)
    source = source_of(found.kind)
    form = ConnectionForm(
        request.POST or None,
        source=source,
        project=found.project,
        administers=holds(request.user, Capability.ADMINISTER),
        connection=found,
    )
    if attempt(form, change_connection, by=request.user, connection=found):
        messages.success(request, _("Saved. What waits asks it anew."))
        return redirect("connection", found.pk)
    return form_page(
        request,
        form,
        title=_("Change %(name)s") % {"name": found.name},
        submit=_("Save"),
        cancel=reverse("connection", args=[found.pk]),
        intro=source.help,
    )


@require_POST
def connection_test(request: PersonRequest, connection_id: UUID) -> HttpResponse:
    """Ask it now, and say what it said; the part of the page alone where htmx asks."""
    found = load_connection(request.user, connection_id)
    checked = check_connection(by=request.user, connection=found)
    found.refresh_from_db()
    if request.htmx:
        context = {"connection": found, "checked": checked}
        return render(request, "approvals/_connection_health.html", context)
    return _page(request, found, checked=checked)


@require_http_methods(["GET", "POST"])
def connection_pause(request: PersonRequest, connection_id: UUID) -> HttpResponse:
    """Ask it no more for a while, after asking."""
    found = load_connection(request.user, connection_id)
    question = ask_first(
        request,
        title=_("Pause %(name)s?") % {"name": found.name},
        text=_("It is not asked until you resume it. Its facts are unknown meanwhile, so what "
               "policies read of it cannot let anything through."),
        submit=_("Pause connection"),
        cancel=reverse("connection", args=[found.pk]),
    )  # fmt: skip
    if question:
        return question
    pause_connection(by=request.user, connection=found)
    messages.success(request, _("Paused."))
    return redirect("connection", found.pk)


@require_POST
def connection_resume(request: PersonRequest, connection_id: UUID) -> HttpResponse:
    """Ask it again."""
    found = load_connection(request.user, connection_id)
    resume_connection(by=request.user, connection=found)
    messages.success(request, _("Resumed. What waits asks it again."))
    return redirect("connection", found.pk)


@require_http_methods(["GET", "POST"])
def connection_archive(request: PersonRequest, connection_id: UUID) -> HttpResponse:
    """Use it never again, after asking."""
    found = load_connection(request.user, connection_id)
    question = ask_first(
        request,
        title=_("Archive %(name)s?") % {"name": found.name},
        text=_("It is never asked again and its secrets are deleted. What it said stays on record. "
               "This cannot be undone; you can connect the same system anew."),
        submit=_("Archive connection"),
        cancel=reverse("connection", args=[found.pk]),
    )  # fmt: skip
    if question:
        return question
    archive_connection(by=request.user, connection=found)
    messages.success(request, _("Archived."))
    return redirect(_list_address(found.project))
