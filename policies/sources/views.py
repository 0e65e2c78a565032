"""Pages of the sources of policy files; for administrators."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from policies.sources.configure import change_source, create_source, remove_source
from policies.sources.forms import SourceForm
from policies.sources.models import PolicySource
from policies.sources.queries import load_source, new_versions, newest_origins, sources
from portal.access import Capability, require
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page


def _load(request: PersonRequest, source_id: UUID) -> PolicySource:
    # The right is asked first, so that nobody else learns what there is.
    require(request.user, Capability.ADMINISTER)
    return load_source(source_id)


@require_safe
def sources_page(request: PersonRequest) -> HttpResponse:
    """Where policies are read from."""
    require(request.user, Capability.ADMINISTER)
    return render(request, "policies/sources/sources.html", {"sources": sources()})


@require_safe
def source(request: PersonRequest, source_id: UUID) -> HttpResponse:
    """One source: what its files say, what is wrong with them, what could be published."""
    found = _load(request, source_id)
    context = {
        "source": found,
        "origins": sorted(newest_origins(found), key=lambda origin: origin.path),
        "new": new_versions(found),
    }
    return render(request, "policies/sources/source.html", context)


@require_http_methods(["GET", "POST"])
def source_new(request: PersonRequest) -> HttpResponse:
    """Read policies from one more folder."""
    require(request.user, Capability.ADMINISTER)
    form = SourceForm(request.POST or None)
    if made := attempt(form, create_source, by=request.user):
        messages.success(request, _("Added. It is read within a few seconds, then every minute."))
        return redirect("policy-source", made.pk)
    return form_page(
        request,
        form,
        title=_("New source of policies"),
        submit=_("Add source"),
        cancel=reverse("policy-sources"),
        intro=_("What stands there becomes drafts in your name. Publishing them stays a request "
                "that somebody else decides on."),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def source_edit(request: PersonRequest, source_id: UUID) -> HttpResponse:
    """Read from somewhere else, in one's own name."""
    found = _load(request, source_id)
    form = SourceForm(request.POST or None, instance=found)
    if attempt(form, change_source, by=request.user, source=found):
        messages.success(request, _("Saved. It is read within a few seconds."))
        return redirect("policy-source", found.pk)
    return form_page(
        request,
        form,
        title=_("Change source"),
        submit=_("Save"),
        cancel=reverse("policy-source", args=[found.pk]),
        intro=_("From now on its drafts are in your name."),
    )


@require_http_methods(["GET", "POST"])
def source_remove(request: PersonRequest, source_id: UUID) -> HttpResponse:
    """Read no more from there, after asking."""
    found = _load(request, source_id)
    question = ask_first(
        request,
        title=_("Remove this source?"),
        text=_("%(source)s is read no more. What came from there stays: versions, and what is in "
               "force.") % {"source": found},
        submit=_("Remove source"),
        cancel=reverse("policy-source", args=[found.pk]),
    )  # fmt: skip
    if question:
        return question
    remove_source(by=request.user, source=found)
    messages.success(request, _("Removed. Its policies stay as they are."))
    return redirect("policy-sources")
