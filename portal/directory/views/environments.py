"""Pages of the environments of a project."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.access import Capability, holds, require
from portal.directory.environments import (
    archive_environment,
    change_environment,
    create_environment,
    restore_environment,
)
from portal.directory.forms import EnvironmentChangeForm, EnvironmentForm
from portal.directory.models import Environment
from portal.directory.queries import load_environment, load_project
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page


def _load(request: PersonRequest, project_id: UUID, environment_id: UUID) -> Environment:
    project = load_project(request.user, project_id)
    environment = load_environment(request.user, project, environment_id)
    require(request.user, Capability.MAINTAIN, project)
    return environment


@require_http_methods(["GET", "POST"])
def environment_new(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """Add an environment to a project."""
    project = load_project(request.user, project_id)
    require(request.user, Capability.MAINTAIN, project)
    # The instance lets the form see that the name is taken in this project.
    form = EnvironmentForm(request.POST or None, instance=Environment(project=project))
    if attempt(form, create_environment, by=request.user, project=project):
        messages.success(request, _("Environment added. Until a policy matches it, everything "
                                    "asked there is denied."))  # fmt: skip
        return redirect("project", project.pk)
    return form_page(
        request,
        form,
        title=_("New environment of %(project)s") % {"project": project.slug},
        submit=_("Add environment"),
        cancel=reverse("project", args=[project.pk]),
    )


@require_http_methods(["GET", "POST"])
def environment_edit(
    request: PersonRequest, project_id: UUID, environment_id: UUID
) -> HttpResponse:
    """Change an environment."""
    environment = _load(request, project_id, environment_id)
    form = EnvironmentChangeForm(request.POST or None, instance=environment)
    if not holds(request.user, Capability.ADMINISTER):
        form.fields["tier"].disabled = True
    if attempt(form, change_environment, by=request.user, environment=environment):
        messages.success(request, _("Environment changed."))
        return redirect("project", project_id)
    return form_page(
        request,
        form,
        title=_("Change %(environment)s") % {"environment": environment.name},
        submit=_("Save"),
        cancel=reverse("project", args=[project_id]),
    )


@require_http_methods(["GET", "POST"])
def environment_archive(
    request: PersonRequest, project_id: UUID, environment_id: UUID
) -> HttpResponse:
    """Archive an environment, after asking."""
    environment = _load(request, project_id, environment_id)
    question = ask_first(
        request,
        title=_("Archive %(environment)s?") % {"environment": environment.name},
        text=_("Nothing new may be asked there. Everything recorded stays. You can restore it."),
        submit=_("Archive environment"),
        cancel=reverse("project", args=[project_id]),
    )
    if question:
        return question
    archive_environment(by=request.user, environment=environment)
    messages.success(request, _("Environment archived."))
    return redirect("project", project_id)


@require_http_methods(["GET", "POST"])
def environment_restore(
    request: PersonRequest, project_id: UUID, environment_id: UUID
) -> HttpResponse:
    """Restore an archived environment, after asking."""
    environment = _load(request, project_id, environment_id)
    question = ask_first(
        request,
        title=_("Restore %(environment)s?") % {"environment": environment.name},
        text=_("Pipelines may ask there again."),
        submit=_("Restore environment"),
        cancel=reverse("project", args=[project_id]),
    )
    if question:
        return question
    restore_environment(by=request.user, environment=environment)
    messages.success(request, _("Environment restored."))
    return redirect("project", project_id)
