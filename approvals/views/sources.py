"""The page Sources: how everything does that requests of a project ask."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from approvals.connections.configure import may_configure
from approvals.connections.queries import sources_of
from approvals.views.http import PersonRequest
from portal.access import Capability, require
from portal.directory.queries import load_project


@require_safe
@vary_on_headers("HX-Request")
def project_sources(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """Health of the sources of a project, for everybody who sees all of it; reads itself again."""
    project = load_project(request.user, project_id)
    require(request.user, Capability.VIEW, project)
    context = {
        "project": project,
        "rows": sources_of(project),
        "may_configure": may_configure(request.user, project),
        "may_administer": may_configure(request.user, None),
    }
    name = "approvals/_sources.html" if request.htmx else "approvals/sources.html"
    return render(request, name, context)
