"""What granting or revoking a role would change, in sentences, before anybody confirms it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from policies.deciders import asked_on, environments_seen_by
from policies.governance import PUBLISHERS
from policies.queries import BrokenPolicy
from policies.who_can import Ability, abilities_on
from portal.access import ROLES, Capability, Role
from portal.access.models import RoleGrant, in_time
from portal.access.settle import place_of
from portal.directory.models import ApproverGroup
from portal.directory.queries import active_members

MOST_PLACES = 10


@dataclass(frozen=True)
class Effect:
    """One sentence; `grave` where nobody would be left."""

    sentence: str
    grave: bool = False


def effects_of_grant(by: Any, to: Any, role: Role, target: Model) -> list[Effect]:
    """What `to` could do that they cannot now, and how many could then."""
    found = []
    for ability in abilities_on(target):
        if ability.capability in role.capabilities and to not in ability.people:
            found.append(Effect(_gains(to, ability)))
            found += _on_decisions(by, ability.capability, target, {*ability.people, to})
    return found or [Effect(_("It changes nothing now: another role allows all of it already."))]


def effects_of_revocation(by: Any, to: Any, role: Role, target: Model) -> list[Effect]:
    """What `to` could do no more, and how many could still."""
    kept = _given_by_others(to, role, target)
    found = []
    for ability in abilities_on(target):
        through = [one for one in ability.holders if one.person == to]
        if ability.capability in role.capabilities - kept and len(through) == 1:
            left = ability.people - {to}
            found.append(_loses(to, ability, len(left)))
            found += _on_decisions(by, ability.capability, target, left)
    return found or [Effect(_("It changes nothing now: another role allows all of it too."))]


def _given_by_others(to: Any, role: Role, target: Model) -> set[Capability]:
    """What their other roles on the same object give."""
    others = RoleGrant.objects.filter(in_time(), person=to, **place_of(target))
    names = others.exclude(role=role.name).values_list("role", flat=True)
    return {capability for name in names for capability in ROLES[name].capabilities}


def _gains(to: Any, ability: Ability) -> str:
    count = len(ability.people) + 1
    return ngettext(
        "%(what)s: new for %(person)s. %(count)d person may then.",
        "%(what)s: new for %(person)s. %(count)d people may then.",
        count,
    ) % {"what": ability.words, "person": to, "count": count}


def _loses(to: Any, ability: Ability, left: int) -> Effect:
    words = {"what": ability.words, "person": to, "count": left}
    if not left:
        return Effect(_("%(what)s: %(person)s is the last who may; nobody is left.") % words, True)
    return Effect(
        ngettext(
            "%(what)s: %(person)s no more. %(count)d person still may.",
            "%(what)s: %(person)s no more. %(count)d people still may.",
            left,
        )
        % words
    )


def _on_decisions(
    by: Any, capability: Capability, target: Model, holders: set[Any]
) -> list[Effect]:
    """What it means for who decides, where the capability has to do with that."""
    if capability == Capability.MANAGE_GROUP and isinstance(target, ApproverGroup):
        return [Effect(_of_group(by, target))]
    if capability == Capability.PUBLISH_POLICY:
        return [_of_publishing(holders)]
    return []


def _of_group(by: Any, group: ApproverGroup) -> str:
    """Where the people whom a manager chooses decide."""
    members = len(active_members([group.name])[group.name])
    try:
        asked = asked_on(environments_seen_by(by))
    except BrokenPolicy as broken:
        return broken.sentence
    places = [one.place for one in asked if one.group == group.name]
    if not places:
        return _("No policy in force asks this group anywhere.")
    more = len(places) - MOST_PLACES
    listed = ", ".join(places[:MOST_PLACES]) + (f" + {more}" if more > 0 else "")
    return ngettext(
        "Who manages the group chooses who decides: %(count)d person now, on %(places)s.",
        "Who manages the group chooses who decides: %(count)d people now, on %(places)s.",
        members,
    ) % {"count": members, "places": listed}


def _of_publishing(holders: set[Any]) -> Effect:
    """Of those who hold the permission, only members of one group decide."""
    count = sum(person in holders for person in active_members([PUBLISHERS])[PUBLISHERS])
    said = ngettext(
        "This lets %(count)d person decide on publishing: who is in %(group)s and may.",
        "This lets %(count)d people decide on publishing: who is in %(group)s and may.",
        count,
    )
    return Effect(said % {"count": count, "group": PUBLISHERS}, grave=not count)
