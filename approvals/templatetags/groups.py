"""What depends on approver groups: `{% load groups %}`."""

from django import template

from approvals.queries.dependents import Dependents, dependents_of, unmet_groups
from portal.accounts.models import User
from portal.directory.models import ApproverGroup

register = template.Library()


@register.simple_tag
def dependents(reader: User, group: ApproverGroup, leaving: User | None = None) -> Dependents:
    """What depends on the group, as far as the reader may see it; without who is `leaving`."""
    return dependents_of(reader, group, leaving)


@register.simple_tag
def too_small() -> frozenset[str]:
    """Names of the groups of which a policy in force asks more people than there are."""
    return unmet_groups()
