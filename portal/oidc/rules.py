"""Administrators say what the claims of a provider give."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from portal.access import ROLES, Capability
from portal.access.models import Organisation
from portal.directory.models import ApproverGroup, Project
from portal.kernel.canonical import JSON
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.kernel.validation import insert_row, invalid
from portal.ledger.actors import person_actor
from portal.ledger.record import record
from portal.oidc.keeping import lock_provider
from portal.oidc.links import links_of
from portal.oidc.mapping import apply_rules, holders_of
from portal.oidc.models import ClaimRule, SignInProvider

MOST = 500
# Administrators keep these rules, so they are named by hand.
MAPPED = {n: role for n, role in ROLES.items() if Capability.ADMINISTER not in role.capabilities}


@transaction.atomic
def add_rule(
    *,
    by: Any,
    provider: SignInProvider,
    value: str,
    group: ApproverGroup | None = None,
    project: Project | None = None,
    role: str = "",
) -> ClaimRule:
    """From their next sign-in on, whoever has `value` has it. Administrators only.

    Raises Forbidden, Invalid naming the field, Conflict.
    """
    provider = lock_provider(by, provider)
    rule = ClaimRule(provider=provider, value=value.strip(), group=group, project=project,
                     role=role, created_by=by, created_at=now())  # fmt: skip
    _check(rule)
    rules = provider.rules.all()
    if rules.filter(value=rule.value, group=group, project=project, role=role).exists():
        raise Conflict(_("There is this very rule already."), code="exists")
    if rules.count() >= MOST:
        raise Conflict(f"There are {MOST} rules already. Remove one first.", code="too-many")
    insert_row(rule)
    _record("claim_rule.added", by, rule)
    return rule


@transaction.atomic
def remove_rule(*, by: Any, rule: ClaimRule) -> None:
    """What only this rule gave ends at once. Administrators only. Raises Forbidden, Conflict."""
    provider = lock_provider(by, rule.provider)
    removed, _each = provider.rules.filter(pk=rule.pk).delete()
    if not removed:
        return
    _record("claim_rule.removed", by, rule)
    values = {link.user_id: link.extra_data.get("values", []) for link in links_of(provider)}
    for person in holders_of(provider):
        apply_rules(provider, person, values.get(person.pk, []))


def _check(rule: ClaimRule) -> None:
    if rule.role and rule.role not in MAPPED:
        raise invalid("role", _("This role is not given by a rule."))
    if rule.group and rule.project:
        raise invalid("project", _("Choose a group or a project, not both."))
    if not rule.role and rule.project:
        raise invalid("role", _("Choose the role on the project."))
    if not rule.role and not rule.group:
        raise invalid("group", _("Choose a group to be a member of, or a role."))
    if rule.role:
        target = rule.target(Organisation.objects.get())
        if target._meta.model_name not in MAPPED[rule.role].scopes:
            raise invalid("role", _("There is no such role on what you chose."))


def _record(event: str, by: Any, rule: ClaimRule) -> None:
    about: dict[str, JSON] = {
        "kind": "claim_rule",
        "id": str(rule.pk),
        "provider": str(rule.provider_id),
        "value": rule.value,
        "group": str(rule.group_id) if rule.group_id else None,
        "project": str(rule.project_id) if rule.project_id else None,
        "role": rule.role,
    }
    record(event, actor=person_actor(by), object=about)
