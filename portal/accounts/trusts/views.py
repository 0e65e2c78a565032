"""Pages of trusts: which workloads act as a service account of a project."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from portal.access import Capability, holds, require
from portal.accounts.queries import load_project
from portal.accounts.trusts.configure import (
    archive_trust,
    create_trust,
    preset_of,
    replace_trust,
)
from portal.accounts.trusts.forms import TrustForm, TryForm
from portal.accounts.trusts.models import Trust, audience_of
from portal.accounts.trusts.presets import PRESETS
from portal.accounts.trusts.queries import load_trust, trusts_of
from portal.accounts.trusts.trial import Trial, try_token
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page, page_of


def _maintained(request: PersonRequest, project_id: UUID) -> Any:
    project = load_project(request.user, project_id)
    require(request.user, Capability.MAINTAIN, project)
    return project


def _address(trust: Trust) -> str:
    return reverse("trust", args=[trust.project_id, trust.pk])


@require_safe
def trusts(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """The trusts of a project, and what a token of its pipelines has to be made for."""
    project = load_project(request.user, project_id)
    context = {
        "project": project,
        "page": page_of(request, trusts_of(project)),
        "presets": PRESETS,
        "audience": audience_of(project.slug),
        "may_maintain": holds(request.user, Capability.MAINTAIN, project),
    }
    return render(request, "portal/trusts.html", context)


@require_safe
def trust_presets(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """Which system the workloads are of."""
    project = _maintained(request, project_id)
    context = {"project": project, "presets": PRESETS.values()}
    return render(request, "portal/trust_presets.html", context)


@require_http_methods(["GET", "POST"])
def trust_new(request: PersonRequest, project_id: UUID, preset: str) -> HttpResponse:
    """Trust workloads of one system."""
    project = _maintained(request, project_id)
    kind = preset_of(preset)
    form = TrustForm(
        request.POST or None,
        preset=kind,
        project=project,
        administers=holds(request.user, Capability.ADMINISTER),
    )
    if made := attempt(form, create_trust, by=request.user, preset=preset):
        messages.success(request, _("Trusted from now on. Next: test a token of a job."))
        return redirect(_address(made))
    return form_page(
        request,
        form,
        title=_("Trust workloads: %(system)s") % {"system": kind.title},
        submit=_("Trust them"),
        cancel=reverse("trusts", args=[project.pk]),
        intro=_intro(kind.protected, audience_of(project.slug)),
    )


def _intro(protected: tuple[str, ...], audience: str) -> str:
    text = _("The token has to be made for the audience %(audience)s.") % {"audience": audience}
    if protected:
        text += " " + _("Only runs of branches and tags that are protected there are accepted.")
    return text


@require_safe
def trust(request: PersonRequest, project_id: UUID, trust_id: UUID) -> HttpResponse:
    """One trust: what it accepts, and how its keys do."""
    project = load_project(request.user, project_id)
    found = load_trust(project, trust_id)
    context = {
        "trust": found,
        "preset": PRESETS[found.preset],
        "environments": found.environments.order_by("name"),
        "may_maintain": holds(request.user, Capability.MAINTAIN, project),
    }
    return render(request, "portal/trust.html", context)


@require_http_methods(["GET", "POST"])
def trust_edit(request: PersonRequest, project_id: UUID, trust_id: UUID) -> HttpResponse:
    """Put another trust in the place of this one."""
    project = _maintained(request, project_id)
    found = load_trust(project, trust_id)
    kind = PRESETS[found.preset]
    form = TrustForm(
        request.POST or None,
        preset=kind,
        project=project,
        administers=holds(request.user, Capability.ADMINISTER),
        trust=found,
    )
    if made := attempt(form, replace_trust, by=request.user, trust=found):
        messages.success(request, _("Changed. Runs that wait have to ask again."))
        return redirect(_address(made))
    return form_page(
        request,
        form,
        title=_("Change %(trust)s") % {"trust": found},
        submit=_("Save"),
        cancel=_address(found),
        intro=_("What was accepted until now stays on record: the old trust is archived, and run "
                "tokens that it gave end."),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def trust_archive(request: PersonRequest, project_id: UUID, trust_id: UUID) -> HttpResponse:
    """Trust these workloads no more, after asking."""
    project = _maintained(request, project_id)
    found = load_trust(project, trust_id)
    question = ask_first(
        request,
        title=_("Archive %(trust)s?") % {"trust": found},
        text=_("Workloads are not accepted by it any more, and run tokens that it gave end: runs "
               "that wait cannot go on. This cannot be undone."),
        submit=_("Archive trust"),
        cancel=_address(found),
    )  # fmt: skip
    if question:
        return question
    archive_trust(by=request.user, trust=found)
    messages.success(request, _("Trust archived."))
    return redirect("trusts", project.pk)


@sensitive_post_parameters("token")
@never_cache
@require_http_methods(["GET", "POST"])
def trust_try(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """Paste a token: which trust accepts it, or why none does."""
    project = _maintained(request, project_id)
    form = TryForm(request.POST or None)
    trials: list[Trial] = []
    if form.is_valid():
        token = form.cleaned_data["token"].strip()
        trials = try_token(by=request.user, project=project, token=token)
    context = {
        "project": project,
        "form": form,
        "trials": trials,
        "tried": form.is_valid(),
        "audience": audience_of(project.slug),
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "portal/trust_try.html", context, status=status)
