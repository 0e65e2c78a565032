"""Who can do what with an object, and through which role: read from the permission tables, which
are what every check asks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.models import Policy
from policies.reach import projects_that_reach
from portal.access import ROLES, Capability, Role, holders
from portal.access.models import PERMISSION_TABLES, Organisation, RoleGrant, in_time
from portal.access.settle import place_of
from portal.directory.models import Environment

WORDS = {
    Capability.VIEW: gettext_lazy("See it"),
    Capability.MAINTAIN: gettext_lazy("Change settings, sources and tokens"),
    Capability.DRAFT_POLICY: gettext_lazy("Save policy versions"),
    Capability.PUBLISH_POLICY: gettext_lazy("Let policy versions come into force"),
    Capability.AUDIT: gettext_lazy("Read reports and evidence"),
    Capability.MANAGE_GROUP: gettext_lazy("Add and remove members"),
    Capability.ADMINISTER: gettext_lazy("Grant roles, change people and groups"),
}
# What can be done with each kind of object. Asking is not among it: pipelines ask, with tokens.
_SHOWN = {
    "project": (Capability.VIEW, Capability.MAINTAIN, Capability.DRAFT_POLICY,
                Capability.PUBLISH_POLICY, Capability.AUDIT, Capability.ADMINISTER),
    "environment": (Capability.VIEW, Capability.MAINTAIN, Capability.AUDIT, Capability.ADMINISTER),
    "approvergroup": (Capability.MANAGE_GROUP, Capability.ADMINISTER),
    "policy": (Capability.VIEW, Capability.DRAFT_POLICY, Capability.PUBLISH_POLICY,
               Capability.ADMINISTER),
    "organisation": tuple(WORDS),
}  # fmt: skip


def words_of(role: Role) -> str:
    """What a role allows."""
    return " · ".join(str(words) for one, words in WORDS.items() if one in role.capabilities)


@dataclass(frozen=True)
class Holder:
    """One person who may, through which roles, and when that ends by itself."""

    person: Any
    through: str
    until: datetime | None


@dataclass(frozen=True)
class Ability:
    """One thing that can be done, and who may."""

    capability: Capability
    words: str
    holders: list[Holder]

    @property
    def people(self) -> set[Any]:
        """Each person once."""
        return {holder.person for holder in self.holders}


def _around(target: Model) -> list[Model]:
    """The object and what reaches it: its project, the whole portal."""
    wider: list[Model] = [target.project] if isinstance(target, Environment) else []
    if not isinstance(target, Organisation):
        wider.append(Organisation.objects.get())
    return [target, *wider]


def abilities_on(target: Model) -> list[Ability]:
    """Everything that can be done with `target`, each with the active people who may now."""
    places = _around(target)
    roles = _role_words(places)
    found: dict[Capability, list[Holder]] = {c: [] for c in _SHOWN[str(target._meta.model_name)]}
    for place in places:
        for row in holders(place).filter(user__is_active=True):
            capability = Capability(row.permission.codename)
            if capability in found:
                key = (*place_of(place).values(), row.user_id)
                through = ", ".join(
                    words for role, words in roles.get(key, []) if capability in role.capabilities
                )
                found[capability].append(Holder(row.user, through, row.until))
    for capability, holder in _through_projects(target):
        found[capability].append(holder)
    return [Ability(c, str(WORDS[c]), _by_name(rows)) for c, rows in found.items()]


def _through_projects(target: Model) -> list[tuple[Capability, Holder]]:
    """Who may do with a policy what they may on every project that it names."""
    projects = projects_that_reach(target) if isinstance(target, Policy) else []
    if not projects:
        return []
    codenames = (Capability.DRAFT_POLICY.value, Capability.PUBLISH_POLICY.value)
    rows = PERMISSION_TABLES["project"].objects.filter(
        in_time(), content_object__in=projects, user__is_active=True,
        permission__codename__in=codenames,
    )  # fmt: skip
    held: dict[tuple[Any, str], list[datetime | None]] = {}
    for row in rows.select_related("user", "permission"):
        held.setdefault((row.user, row.permission.codename), []).append(row.until)
    said = _("on every project it names")
    return [
        (Capability(codename), Holder(person, said, min(filter(None, ends), default=None)))
        for (person, codename), ends in held.items()
        if len(ends) == len(projects)
    ]


def _by_name(rows: list[Holder]) -> list[Holder]:
    return sorted(rows, key=lambda holder: (holder.person.name, str(holder.person.pk)))


def _role_words(places: list[Model]) -> dict[tuple[Any, ...], list[tuple[Any, str]]]:
    """What to call the roles granted at these places, by place and person; one query."""
    wanted = Q()
    names = {}
    for number, place in enumerate(places):
        wanted |= Q(**place_of(place))
        names[tuple(place_of(place).values())] = str(place) if number else ""
    found: dict[tuple[Any, ...], list[tuple[Any, str]]] = {}
    for grant in RoleGrant.objects.filter(in_time(), wanted).order_by("role"):
        name = names[grant.kind, grant.object_id]
        words = {"role": ROLES[grant.role].title, "place": name}
        said = _("%(role)s of %(place)s") % words if name else words["role"]
        key = (grant.kind, grant.object_id, grant.person_id)
        found.setdefault(key, []).append((ROLES[grant.role], said))
    return found
