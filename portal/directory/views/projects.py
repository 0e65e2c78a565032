"""Pages of projects."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Max, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portal.access import Capability, holds, require
from portal.directory.forms import ProjectChangeForm, ProjectForm
from portal.directory.projects import (
    archive_project,
    change_project,
    create_project,
    restore_project,
)
from portal.directory.queries import load_project, visible_environments, visible_projects
from portal.kernel.clock import now
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page, page_of


@require_safe
def projects(request: PersonRequest) -> HttpResponse:
    """The projects the reader may see; archived ones last."""
    rows = visible_projects(request.user).annotate(
        size=Count("environments", filter=Q(environments__archived_at=None))
    )
    page = page_of(request, rows.order_by("archived_at", "slug"))
    return render(request, "portal/projects.html", {"page": page})


@require_safe
def project(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """One project with its environments and, for those who see all of it, service accounts."""
    found = load_project(request.user, project_id)
    whole = holds(request.user, Capability.VIEW, found)
    environments = found.environments if whole else visible_environments(request.user, found)
    running = Q(tokens__revoked_at=None, tokens__expires_at__gt=now(), tokens__trust=None)
    accounts = found.service_accounts.select_related("owner").annotate(
        running=Count("tokens", filter=running), last_used=Max("tokens__last_used_at")
    )
    context = {
        "project": found,
        "environments": environments.order_by("archived_at", "name"),
        "accounts": accounts.order_by("-is_active", "name") if whole else [],
        "whole": whole,
        "may_maintain": holds(request.user, Capability.MAINTAIN, found),
        "may_administer": holds(request.user, Capability.ADMINISTER),
    }
    return render(request, "portal/project.html", context)


@require_http_methods(["GET", "POST"])
def project_new(request: PersonRequest) -> HttpResponse:
    """Add a project."""
    require(request.user, Capability.ADMINISTER)
    form = ProjectForm(request.POST or None)
    if made := attempt(form, create_project, by=request.user):
        messages.success(request, _("Project added. Next: its environments."))
        return redirect("project", made.pk)
    title, cancel = _("New project"), reverse("projects")
    return form_page(request, form, title=title, submit=_("Add project"), cancel=cancel)


@require_http_methods(["GET", "POST"])
def project_edit(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """Change a project."""
    found = load_project(request.user, project_id)
    require(request.user, Capability.MAINTAIN, found)
    administers = holds(request.user, Capability.ADMINISTER)
    form = ProjectChangeForm(request.POST or None, instance=found, administers=administers)
    if attempt(form, change_project, by=request.user, project=found):
        messages.success(request, _("Project changed."))
        return redirect("project", found.pk)
    return form_page(
        request,
        form,
        title=_("Change %(project)s") % {"project": found.slug},
        submit=_("Save"),
        cancel=reverse("project", args=[found.pk]),
    )


@require_http_methods(["GET", "POST"])
def project_archive(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """Archive a project, after asking."""
    found = load_project(request.user, project_id)
    require(request.user, Capability.ADMINISTER)
    question = ask_first(
        request,
        title=_("Archive %(project)s?") % {"project": found.slug},
        text=_("Its project tokens are refused from then on, so no pipeline of it can ask, wait or "
               "go on. Everything recorded stays. You can restore it."),
        submit=_("Archive project"),
        cancel=reverse("project", args=[found.pk]),
    )  # fmt: skip
    if question:
        return question
    archive_project(by=request.user, project=found)
    messages.success(request, _("Project archived."))
    return redirect("project", found.pk)


@require_http_methods(["GET", "POST"])
def project_restore(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """Restore an archived project, after asking."""
    found = load_project(request.user, project_id)
    require(request.user, Capability.ADMINISTER)
    question = ask_first(
        request,
        title=_("Restore %(project)s?") % {"project": found.slug},
        text=_("Its project tokens that still run are accepted again."),
        submit=_("Restore project"),
        cancel=reverse("project", args=[found.pk]),
    )
    if question:
        return question
    restore_project(by=request.user, project=found)
    messages.success(request, _("Project restored."))
    return redirect("project", found.pk)
