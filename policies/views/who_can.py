"""“Who can do what”: pages for auditors' questions, answered from what every check asks."""

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from policies.deciders import Asked, asked_on, environments_seen_by
from policies.queries import BrokenPolicy, load_policy_row
from policies.who_can import abilities_on, words_of
from portal.access import Capability, require
from portal.access.models import Organisation
from portal.accounts.queries import load_person
from portal.directory.granted import grants_of
from portal.directory.models import ApproverGroup, Environment
from portal.directory.queries import (
    active_members,
    groups_of,
    load_environment,
    load_group,
    load_project,
)
from portal.kernel.http import PAGE_SIZE, PersonRequest


def _asked(environments: list[Environment]) -> tuple[list[Asked], str]:
    """Who may be asked there; or why that is unknown."""
    try:
        return asked_on(environments), ""
    except BrokenPolicy as broken:
        return [], broken.sentence


def _page(
    request: PersonRequest,
    target: Model,
    *,
    title: str,
    address: str,
    roles: str,
    asked: tuple[list[Asked], str],
) -> HttpResponse:
    page = Paginator(asked[0], PAGE_SIZE).get_page(request.GET.get("page"))
    members = active_members({one.group for one in page})
    ids = dict(ApproverGroup.objects.filter(name__in=members).values_list("name", "pk"))
    context: dict[str, Any] = {
        "title": title,
        "back": address,
        "roles": roles,
        "abilities": abilities_on(target),
        "page": page,
        "asked": [(one, ids.get(one.group), members[one.group]) for one in page],
        "unknown": asked[1],
        "kind": str(target._meta.model_name),
    }
    return render(request, "policies/who_can.html", context)


@require_safe
def project_who_can(request: PersonRequest, project_id: UUID) -> HttpResponse:
    """Who can do what with a project, and who decides on its environments."""
    project = load_project(request.user, project_id)
    require(request.user, Capability.VIEW, project)
    rows = project.environments.filter(archived_at=None).order_by("name")
    environments = list(rows)
    for environment in environments:
        environment.project = project
    args = [project.pk]
    return _page(
        request, project, title=project.slug, address=reverse("project", args=args),
        roles=reverse("project-roles", args=args), asked=_asked(environments),
    )  # fmt: skip


@require_safe
def environment_who_can(
    request: PersonRequest, project_id: UUID, environment_id: UUID
) -> HttpResponse:
    """Who can do what with one environment, and who decides there."""
    project = load_project(request.user, project_id)
    environment = load_environment(request.user, project, environment_id)
    require(request.user, Capability.VIEW, project)
    return _page(
        request,
        environment,
        title=f"{project.slug}/{environment.name}",
        address=reverse("project", args=[project.pk]),
        roles=reverse("environment-roles", args=[project.pk, environment.pk]),
        asked=_asked([environment]),
    )


@require_safe
def group_who_can(request: PersonRequest, group_id: UUID) -> HttpResponse:
    """Who manages an approver group, and where its members decide, as far as the reader sees."""
    group = load_group(group_id)
    asked, unknown = _asked(environments_seen_by(request.user))
    here = [one for one in asked if one.group == group.name]
    args = [group.pk]
    return _page(
        request, group, title=group.name, address=reverse("group", args=args),
        roles=reverse("group-roles", args=args), asked=(here, unknown),
    )  # fmt: skip


@require_safe
def policy_who_can(request: PersonRequest, policy_id: UUID) -> HttpResponse:
    """Who can change a policy, and where it lets whom decide, as far as the reader sees."""
    policy = load_policy_row(request.user, policy_id).policy
    asked, unknown = _asked(environments_seen_by(request.user))
    here = [one for one in asked if policy.name in one.policies]
    args = [policy.pk]
    return _page(
        request, policy, title=policy.name, address=reverse("policy", args=args),
        roles=reverse("policy-roles", args=args), asked=(here, unknown),
    )  # fmt: skip


@require_safe
def portal_who_can(request: PersonRequest) -> HttpResponse:
    """Who reaches over the whole portal; for administrators."""
    require(request.user, Capability.ADMINISTER)
    organisation = Organisation.objects.get()
    return _page(
        request, organisation, title=organisation.name, address=reverse("people"),
        roles=reverse("portal-roles"), asked=([], ""),
    )  # fmt: skip


@require_safe
def person_who_can(request: PersonRequest, person_id: UUID) -> HttpResponse:
    """Everything a person may do; for administrators, and for everybody about themselves."""
    if person_id != request.user.pk:
        require(request.user, Capability.ADMINISTER)
    person = load_person(person_id)
    mine = set(groups_of(person))
    asked, unknown = _asked(environments_seen_by(request.user))
    here = [one for one in asked if one.group in mine]
    context = {
        "person": person,
        "own": person.pk == request.user.pk,
        "grants": [(one, words_of(one.grant.definition)) for one in grants_of(person)],
        "groups": sorted(mine),
        "page": Paginator(here, PAGE_SIZE).get_page(request.GET.get("page")),
        "unknown": unknown,
        "title": _("What %(person)s can do") % {"person": person},
    }
    return render(request, "policies/person_can.html", context)
