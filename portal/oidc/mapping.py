"""From claims to memberships and roles, by the rules of a provider."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from portal.access import ROLES, set_sourced_roles
from portal.access.models import Organisation, RoleGrant
from portal.accounts.models import User
from portal.directory.groups import set_sourced_memberships
from portal.directory.models import Membership
from portal.oidc.models import ClaimRule, SignInProvider

MOST_VALUES = 1000
MOST_VALUE = 255


def group_values(claims: dict[str, Any], name: str) -> list[str]:
    """The texts in the claim `name`, sorted; none where it is missing or something else.

    A dot leads into an object, unless a claim has the whole name.
    """
    found: Any = claims
    for step in [name] if name in claims else name.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    listed = found if isinstance(found, list) else [found]
    texts = {one for one in listed if isinstance(one, str) and 0 < len(one) <= MOST_VALUE}
    return sorted(texts)[:MOST_VALUES]


@dataclass(frozen=True)
class Plan:
    """What the rules give somebody: `own` are those that they wrote, which give them nothing."""

    rules: list[ClaimRule]
    own: list[ClaimRule]

    @property
    def groups(self) -> list[Any]:
        """The groups they are in, each once."""
        return list({rule.group_id: rule.group for rule in self.rules if not rule.role}.values())

    @property
    def roles(self) -> set[tuple[str, Model]]:
        """The roles they hold, each with its object."""
        organisation = Organisation.objects.get()
        return {(rule.role, rule.target(organisation)) for rule in self.rules if rule.role}


def plan_for(provider: SignInProvider, person: User | None, values: Collection[str]) -> Plan:
    """What `values` give `person`, or somebody new."""
    rules = provider.rules.filter(value__in=values).select_related("group", "project")
    own = [rule for rule in rules if person is not None and rule.created_by_id == person.pk]
    return Plan([rule for rule in rules if rule not in own], own)


def apply_rules(provider: SignInProvider, person: User, values: Collection[str]) -> None:
    """Let `person` have from this provider exactly what the rules say, with an entry for each.

    Inside the caller's transaction, which holds the provider's row.
    """
    plan = plan_for(provider, person, values)
    # This one locks the person.
    set_sourced_roles(to=person, source=provider.source, wanted=plan.roles)
    set_sourced_memberships(person=person, source=provider.source, groups=plan.groups)


@dataclass(frozen=True)
class Preview:
    """What a sign-in would do: each rule that matches with `new`, `there` or `own`; what ends."""

    rules: list[tuple[ClaimRule, str]]
    ends: list[str]


def preview(provider: SignInProvider, person: User | None, values: Collection[str]) -> Preview:
    """What signing in with `values` would change for `person`; changes nothing itself."""
    plan = plan_for(provider, person, values)
    members = Membership.objects.filter(person=person).select_related("group")
    grants = RoleGrant.objects.filter(person=person)
    held = {("", str(one.group_id)) for one in members} | {(g.role, g.object_id) for g in grants}
    organisation = Organisation.objects.get()
    given = {rule: (rule.role, str(rule.target(organisation).pk)) for rule in plan.rules}
    lines = [(rule, "there" if given[rule] in held else "new") for rule in plan.rules]
    kept = set(given.values())
    gone = [m for m in members.filter(source=provider.source) if ("", str(m.group_id)) not in kept]
    lost = [g for g in grants.filter(source=provider.source) if (g.role, g.object_id) not in kept]
    ends = [str(one.group) for one in gone] + [ROLES[one.role].title for one in lost]
    return Preview(lines + [(rule, "own") for rule in plan.own], ends)


def holders_of(provider: SignInProvider) -> list[User]:
    """Everybody who has something from this provider."""
    members = Membership.objects.filter(source=provider.source).values("person")
    grants = RoleGrant.objects.filter(source=provider.source).values("person")
    return list(User.objects.filter(pk__in=members.union(grants)))
