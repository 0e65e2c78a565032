"""Trying a policy document on the facts of a past request, or on facts typed in. Stores nothing.

Here and not among the policy pages, because policies know nothing of requests.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from approvals.queries.trial import try_document
from approvals.views.http import PersonRequest
from policies.language.document import PolicyDocument
from policies.language.parse import parse_policy
from policies.language.problems import PolicyError
from policies.publishing import may_create
from policies.queries import document_of, load_policy_row, load_version
from portal.kernel.errors import Forbidden

KEPT = ("text", "note", "policy")


@require_http_methods(["GET", "POST"])
def version_try(request: PersonRequest, policy_id: UUID, number: int) -> HttpResponse:
    """Try a saved version. Raises NotFound, BrokenPolicy."""
    policy = load_policy_row(request.user, policy_id).policy
    version = load_version(policy, number)
    place = [policy.pk, number]
    page = {
        "title": _("Try %(version)s") % {"version": version},
        "url": reverse("policy-version", args=place),
        "word": _("Back to the version"),
    }
    context = {"action": reverse("policy-version-try", args=place), "page": page}
    return _answer(request, document_of(version), version.number, context)


@require_POST
def draft_try(request: PersonRequest) -> HttpResponse:
    """Try the text that is in the editor."""
    if not may_create(request.user):
        raise Forbidden(
            _("Trying a document that is not saved needs the permission “draft policy” on the "
              "portal or on a project. An administrator can grant it."),
            code="missing-permission",
        )  # fmt: skip
    context: dict[str, Any] = {"action": reverse("policy-try")}
    if not request.htmx:
        kept = [(name, request.POST[name]) for name in KEPT if name in request.POST]
        context |= {"page": {"title": _("Try the document")}, "kept": kept, "back": _back(request)}
    try:
        document = parse_policy(request.POST.get("text", "").replace("\r\n", "\n"))
    except PolicyError as error:
        return _shown(request, context | {"problems": [str(one) for one in error.problems]})
    return _answer(request, document, 0, context)


def _answer(
    request: PersonRequest, document: PolicyDocument, version: int, context: dict[str, Any]
) -> HttpResponse:
    trial = try_document(request.user, document, _wish(request), version=version)
    modes = {
        "shadow": _("The document is in shadow: a live request would be judged like this, and the "
                    "verdict would bind nobody."),
        "off": _("The document is off: a live request would not be judged by it."),
    }  # fmt: skip
    mode = {"mode": document.mode, "mode_text": modes.get(document.mode, "")}
    return _shown(request, context | mode | {"trial": trial})


def _shown(request: PersonRequest, context: dict[str, Any]) -> HttpResponse:
    template = "approvals/try.html" if "page" in context else "approvals/_try.html"
    return render(request, template, context)


def _wish(request: HttpRequest) -> dict[str, str]:
    """What the form says; facts typed before are left behind when others are taken."""
    form = (request.POST or request.GET).dict()
    if form.get("do") == "start":
        return {"start": form.get("other", "").strip() or form.get("offered", "")}
    return form


def _back(request: HttpRequest) -> str:
    """The editor that the text came from."""
    try:
        policy = UUID(request.POST.get("policy", ""))
    except ValueError:
        return reverse("policy-new-check")
    return reverse("policy-version-new-check", args=[policy])
