"""Granting and revoking roles: each stands for itself, and the ledger says what happened."""

import json
from importlib import import_module

import pytest
from django.apps import apps

from portal.access import Capability, grant_role, holds, revoke_role, roles_held
from portal.access.models import RoleGrant
from portal.kernel.errors import NotFound
from tests.integration.company import entries


def held(person, target):
    return [grant.role for one, grants in roles_held(target) if one == person for grant in grants]


def recorded(person, event):
    """Roles that the ledger says this person was granted, or lost."""
    objects = [json.loads(entry)["object"] for entry in entries(event)]
    return [o["role"] for o in objects if o["person"] == str(person.actor_ref)]


@pytest.mark.parametrize("order", [["viewer", "maintainer"], ["maintainer", "viewer"]])
def test_revoking_a_role_leaves_the_other_roles_granted(company, order):
    ada, olga, shop = company.ada, company.olga, company.shop
    for role in order:
        grant_role(by=ada, to=olga, role=role, target=shop)
    assert held(olga, shop) == ["maintainer", "viewer"]
    revoke_role(by=ada, to=olga, role="maintainer", target=shop)
    assert held(olga, shop) == ["viewer"]
    assert holds(olga, Capability.VIEW, shop)
    assert not holds(olga, Capability.MAINTAIN, shop)
    revoke_role(by=ada, to=olga, role="viewer", target=shop)
    assert not holds(olga, Capability.VIEW, shop)
    assert recorded(olga, "role.revoked") == ["maintainer", "viewer"]


def test_a_role_granted_alone_ends_whole(company):
    grant_role(by=company.ada, to=company.olga, role="maintainer", target=company.shop)
    grant_role(by=company.ada, to=company.olga, role="viewer", target=company.bank)
    revoke_role(by=company.ada, to=company.olga, role="maintainer", target=company.shop)
    assert not holds(company.olga, Capability.VIEW, company.shop)
    assert holds(company.olga, Capability.VIEW, company.bank)


def test_only_what_happened_is_recorded(company):
    for _ in range(2):
        grant_role(by=company.ada, to=company.olga, role="viewer", target=company.shop)
    assert recorded(company.olga, "role.granted") == ["viewer"]
    with pytest.raises(NotFound, match="Olga does not hold the role “Maintainer” on shop"):
        revoke_role(by=company.ada, to=company.olga, role="maintainer", target=company.shop)
    assert recorded(company.olga, "role.revoked") == []
    assert holds(company.olga, Capability.VIEW, company.shop)


def test_granting_again_gives_what_a_release_added_to_the_role(company):
    """Permissions are what is asked; the grant only says which role gave them."""
    RoleGrant.objects.create(
        person=company.olga, role="viewer", kind="project", object_id=str(company.shop.pk)
    )
    assert not holds(company.olga, Capability.VIEW, company.shop)
    grant_role(by=company.ada, to=company.olga, role="viewer", target=company.shop)
    assert holds(company.olga, Capability.VIEW, company.shop)
    assert recorded(company.olga, "role.granted") == ["viewer"]


def test_permissions_from_before_become_the_largest_roles_they_amount_to(company):
    """Portals that granted roles before grants were kept must be able to revoke them."""
    grant_role(by=company.ada, to=company.vera, role="maintainer", target=company.shop)
    grant_role(by=company.ada, to=company.vera, role="auditor", target=company.shop)
    RoleGrant.objects.all().delete()
    migration = import_module("portal.migrations.0004_role_grants")
    migration.fill(apps, None)
    assert held(company.vera, company.shop) == ["auditor", "maintainer"]
    assert held(company.max, company.shop) == ["maintainer"]
    assert held(company.gus, company.leads) == ["group-manager"]
    assert "administrator" in held(company.ada, company.organisation)
    for role in ("auditor", "maintainer"):
        revoke_role(by=company.ada, to=company.vera, role=role, target=company.shop)
    assert not holds(company.vera, Capability.VIEW, company.shop)
