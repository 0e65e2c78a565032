"""Pages of the service accounts of a project and their tokens."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.access import Capability, holds, require
from portal.accounts.authentication import issue_token, revoke_token
from portal.accounts.forms import ServiceAccountForm, TokenForm
from portal.accounts.models import ServiceAccount
from portal.accounts.queries import load_account, load_project, load_token, tokens_of
from portal.accounts.service_accounts import (
    change_service_account,
    create_service_account,
    deactivate_service_account,
    reactivate_service_account,
)
from portal.kernel.clock import now
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page, page_of
from portal.kernel.person_field import suggestions


def _address(account: ServiceAccount) -> str:
    return reverse("service-account", args=[account.project_id, account.pk])


def _load(request: PersonRequest, project_id: UUID, account_id: UUID) -> ServiceAccount:
    account = load_account(request.user, project_id, account_id)
    require(request.user, Capability.MAINTAIN, account.project)
    return account


@require_safe
def service_account(request: PersonRequest, project_id: UUID, account_id: UUID) -> HttpResponse:
    """One service account with its tokens."""
    account = load_account(request.user, project_id, account_id)
    context = {
        "account": account,
        "page": page_of(request, tokens_of(account)),
        "now": now(),
        "may_maintain": holds(request.user, Capability.MAINTAIN, account.project),
    }
    return render(request, "portal/service_account.html", context)


@require_http_methods(["GET", "POST"])
def service_account_new(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """Add a service account to a project."""
    project = load_project(request.user, project_id)
    require(request.user, Capability.MAINTAIN, project)
    form = ServiceAccountForm(
        request.POST or None,
        instance=ServiceAccount(project=project),
        initial={"owner": request.user},
    )
    made = attempt(form, create_service_account, by=request.user, project=project)
    if made:
        messages.success(request, _("Service account added. Next: a project token for it."))
        return redirect(_address(made))
    return form_page(
        request,
        form,
        title=_("New service account of %(project)s") % {"project": project.slug},
        submit=_("Add service account"),
        cancel=reverse("project", args=[project.pk]),
        people=suggestions(),
    )


@require_http_methods(["GET", "POST"])
def service_account_edit(
    request: PersonRequest, project_id: UUID, account_id: UUID
) -> HttpResponse:
    """Rename a service account or hand it over."""
    account = _load(request, project_id, account_id)
    form = ServiceAccountForm(request.POST or None, instance=account)
    if attempt(form, change_service_account, by=request.user, account=account):
        messages.success(request, _("Service account changed."))
        return redirect(_address(account))
    return form_page(
        request,
        form,
        title=_("Change service account"),
        submit=_("Save"),
        cancel=_address(account),
        people=suggestions(),
    )


@require_http_methods(["GET", "POST"])
def service_account_deactivate(
    request: PersonRequest, project_id: UUID, account_id: UUID
) -> HttpResponse:
    """Refuse all tokens of an account, after asking."""
    account = _load(request, project_id, account_id)
    question = ask_first(
        request,
        title=_("Deactivate %(account)s?") % {"account": account},
        text=_("All its project tokens are refused from then on: pipelines that use them can "
               "neither ask nor go on. You can reactivate it."),
        submit=_("Deactivate account"),
        cancel=_address(account),
    )  # fmt: skip
    if question:
        return question
    deactivate_service_account(by=request.user, account=account)
    messages.success(request, _("Service account deactivated."))
    return redirect(_address(account))


@require_http_methods(["GET", "POST"])
def service_account_reactivate(
    request: PersonRequest, project_id: UUID, account_id: UUID
) -> HttpResponse:
    """Accept the tokens of an account again, after asking."""
    account = _load(request, project_id, account_id)
    question = ask_first(
        request,
        title=_("Reactivate %(account)s?") % {"account": account},
        text=_("Its project tokens that still run are accepted again."),
        submit=_("Reactivate account"),
        cancel=_address(account),
    )
    if question:
        return question
    reactivate_service_account(by=request.user, account=account)
    messages.success(request, _("Service account reactivated."))
    return redirect(_address(account))


@never_cache
@require_http_methods(["GET", "POST"])
def token_new(request: PersonRequest, project_id: UUID, account_id: UUID) -> HttpResponse:
    """Issue a project token; its secret is shown once."""
    account = _load(request, project_id, account_id)
    form = TokenForm(request.POST or None, account=account)
    if issued := attempt(form, issue_token, by=request.user, account=account):
        context = {
            "title": _("Project token of %(account)s") % {"account": account},
            "text": _("Copy it into the secret store of your CI system as COUNTERSIGN_TOKEN now. "
                      "Only its hash is stored: nobody can show it again."),
            "secret": issued[1],
            "next": _address(account),
        }  # fmt: skip
        return render(request, "portal/secret.html", context)
    return form_page(
        request,
        form,
        title=_("New project token of %(account)s") % {"account": account},
        submit=_("Issue token"),
        cancel=_address(account),
    )


@require_http_methods(["GET", "POST"])
def token_revoke(
    request: PersonRequest, project_id: UUID, account_id: UUID, token_id: UUID
) -> HttpResponse:
    """Revoke a project token, after asking."""
    account = _load(request, project_id, account_id)
    token = load_token(account, token_id)
    question = ask_first(
        request,
        title=_("Revoke %(token)s?") % {"token": token},
        text=_("Pipelines that use it are refused from then on. This cannot be undone."),
        submit=_("Revoke token"),
        cancel=_address(account),
    )
    if question:
        return question
    revoke_token(by=request.user, token=token)
    messages.success(request, _("Token revoked."))
    return redirect(_address(account))
