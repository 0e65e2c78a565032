"""Who holds which role on an object; administrators grant and revoke there, after they saw what it
changes."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from policies.queries import load_policy_row
from policies.role_effects import effects_of_grant, effects_of_revocation
from portal.access import (
    ROLES,
    Capability,
    Role,
    check_grant,
    grant_role,
    holds,
    require,
    revoke_role,
    roles_held,
)
from portal.access.models import Organisation
from portal.directory.forms import RoleForm
from portal.directory.queries import load_environment, load_group, load_project
from portal.kernel.errors import NotFound
from portal.kernel.http import PersonRequest, attempt
from portal.kernel.person_field import suggestions


@dataclass(frozen=True)
class RolesOf:
    """The object whose roles are shown, and the addresses around it."""

    target: Model
    title: str
    back: str
    address: str

    def revoke_address(self, person_id: UUID, role: str) -> str:
        return f"{self.address}/{person_id}/{role}/revoke"


def roles_page(request: PersonRequest, of: RolesOf) -> HttpResponse:
    """Who holds what on `of.target`; POST shows what a grant would change, and grants once that is
    confirmed. The services refuse who may not."""
    form = RoleForm(request.POST or None, target=of.target)
    if request.method == "POST":
        require(request.user, Capability.ADMINISTER)
        if "confirmed" not in request.POST:
            if role := attempt(form, _check, by=request.user, target=of.target):
                return _preview(request, of, form, role)
        elif attempt(form, _grant, by=request.user, target=of.target):
            messages.success(request, _("Role granted."))
            return redirect(of.address)
    held = [
        (person, [(grant, of.revoke_address(person.pk, grant.role)) for grant in grants])
        for person, grants in roles_held(of.target)
    ]
    may_grant = holds(request.user, Capability.ADMINISTER)
    context = {
        "of": of,
        "held": held,
        "form": form,
        "may_grant": may_grant,
        "people": suggestions() if may_grant else [],
    }
    return render(request, "portal/roles.html", context, status=422 if form.errors else 200)


def _check(*, reason: str, **given: Any) -> Role:
    return check_grant(**given)


def _grant(**given: Any) -> bool:
    grant_role(**given)
    return True


def _preview(request: PersonRequest, of: RolesOf, form: RoleForm, role: Role) -> HttpResponse:
    """What granting would change, with the form once more, hidden, to be confirmed."""
    wanted = form.cleaned_data
    context = {
        "title": _("Grant %(role)s to %(person)s on %(place)s?")
        % {"role": role.title, "person": wanted["to"], "place": of.title},
        "effects": effects_of_grant(request.user, wanted["to"], role, of.target),
        "until": wanted["until"],
        "fields": [(field.html_name, field.value()) for field in form],
        "submit": _("Grant role"),
        "cancel": of.address,
    }
    return render(request, "portal/role_preview.html", context)


def role_revoke_page(
    request: PersonRequest, of: RolesOf, person_id: UUID, role: str
) -> HttpResponse:
    """Revoke a role, after showing what it changes."""
    require(request.user, Capability.ADMINISTER)
    person = get_user_model()._default_manager.filter(pk=person_id).first()
    if person is None or role not in ROLES:
        raise NotFound(_("There is no such role."))
    held = dict(roles_held(of.target)).get(person, [])
    if role not in [grant.role for grant in held]:
        raise NotFound(_("This person does not hold this role here."))
    if request.method != "POST":
        context = {
            "title": _("Revoke %(role)s from %(person)s?")
            % {"role": ROLES[role].title, "person": person},
            "effects": effects_of_revocation(request.user, person, ROLES[role], of.target),
            "submit": _("Revoke role"),
            "cancel": of.address,
        }
        return render(request, "portal/role_preview.html", context)
    revoke_role(by=request.user, to=person, role=role, target=of.target)
    messages.success(request, _("Role revoked."))
    return redirect(of.address)


def _of_project(request: PersonRequest, project_id: UUID) -> RolesOf:
    project = load_project(request.user, project_id)
    require(request.user, Capability.VIEW, project)
    args = [project.pk]
    return RolesOf(project, project.slug, reverse("project", args=args),
                   reverse("project-roles", args=args))  # fmt: skip


def _of_environment(request: PersonRequest, project_id: UUID, environment_id: UUID) -> RolesOf:
    project = load_project(request.user, project_id)
    environment = load_environment(request.user, project, environment_id)
    require(request.user, Capability.VIEW, project)
    args = [project.pk, environment.pk]
    return RolesOf(environment, f"{project.slug} · {environment.name}",
                   reverse("project", args=[project.pk]),
                   reverse("environment-roles", args=args))  # fmt: skip


def _of_group(request: PersonRequest, group_id: UUID) -> RolesOf:
    group = load_group(group_id)
    args = [group.pk]
    return RolesOf(group, group.name, reverse("group", args=args),
                   reverse("group-roles", args=args))  # fmt: skip


def _of_portal(request: PersonRequest) -> RolesOf:
    require(request.user, Capability.ADMINISTER)
    organisation = Organisation.objects.get()
    address = reverse("portal-roles")
    return RolesOf(organisation, organisation.name, reverse("people"), address)


@require_http_methods(["GET", "POST"])
def project_roles(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """Roles on a project."""
    return roles_page(request, _of_project(request, project_id))


@require_http_methods(["GET", "POST"])
def project_role_revoke(
    request: PersonRequest, project_id: UUID, person_id: UUID, role: str
) -> HttpResponse:
    return role_revoke_page(request, _of_project(request, project_id), person_id, role)


@require_http_methods(["GET", "POST"])
def environment_roles(
    request: PersonRequest, project_id: UUID, environment_id: UUID
) -> HttpResponse:
    """Who sees one environment without the rest of its project."""
    return roles_page(request, _of_environment(request, project_id, environment_id))


@require_http_methods(["GET", "POST"])
def environment_role_revoke(
    request: PersonRequest, project_id: UUID, environment_id: UUID, person_id: UUID, role: str
) -> HttpResponse:
    of = _of_environment(request, project_id, environment_id)
    return role_revoke_page(request, of, person_id, role)


@require_http_methods(["GET", "POST"])
def group_roles(request: PersonRequest, group_id: UUID) -> HttpResponse:
    """Who manages an approver group."""
    return roles_page(request, _of_group(request, group_id))


@require_http_methods(["GET", "POST"])
def group_role_revoke(
    request: PersonRequest, group_id: UUID, person_id: UUID, role: str
) -> HttpResponse:
    return role_revoke_page(request, _of_group(request, group_id), person_id, role)


def _of_policy(request: PersonRequest, policy_id: UUID) -> RolesOf:
    found = load_policy_row(request.user, policy_id).policy
    args = [found.pk]
    return RolesOf(found, found.name, reverse("policy", args=args),
                   reverse("policy-roles", args=args))  # fmt: skip


@require_http_methods(["GET", "POST"])
def policy_roles(request: PersonRequest, policy_id: UUID) -> HttpResponse:
    """Roles on a policy."""
    return roles_page(request, _of_policy(request, policy_id))


@require_http_methods(["GET", "POST"])
def policy_role_revoke(
    request: PersonRequest, policy_id: UUID, person_id: UUID, role: str
) -> HttpResponse:
    return role_revoke_page(request, _of_policy(request, policy_id), person_id, role)


@require_http_methods(["GET", "POST"])
def portal_roles(request: PersonRequest) -> HttpResponse:
    """Roles that reach over the whole portal; for administrators."""
    return roles_page(request, _of_portal(request))


@require_http_methods(["GET", "POST"])
def portal_role_revoke(request: PersonRequest, person_id: UUID, role: str) -> HttpResponse:
    return role_revoke_page(request, _of_portal(request), person_id, role)
