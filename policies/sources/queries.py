"""What is known of sources and of what came from them."""

from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from policies.models import PolicyVersion
from policies.sources.models import Origin, PolicySource
from portal.kernel.errors import NotFound


def sources() -> QuerySet[PolicySource]:
    """Every source that is read."""
    return PolicySource.objects.filter(removed_at=None).select_related("configured_by")


def load_source(source_id: UUID) -> PolicySource:
    """One that is read. Raises NotFound."""
    found = sources().filter(pk=source_id).first()
    if found is None:
        raise NotFound(_("There is no such source."))
    return found


def newest_origins(source: PolicySource) -> list[Origin]:
    """The newest version of each policy that came from this source."""
    rows = Origin.objects.filter(source=source).select_related("version__policy__in_force")
    ordered = rows.order_by("version__policy_id", "-version__number")
    return list(ordered.distinct("version__policy_id"))


def new_versions(source: PolicySource) -> list[PolicyVersion]:
    """What came from this source, is the newest of its policy and newer than what is in force."""
    last = PolicyVersion.objects.filter(policy=OuterRef("policy")).order_by("-number").values("pk")
    newest = PolicyVersion.objects.filter(origin__source=source, pk=Subquery(last[:1]))
    rows = newest.select_related("policy__in_force", "origin").order_by("policy__name")
    return [v for v in rows if (v.policy.in_force.number if v.policy.in_force else 0) < v.number]


def origin_of(version: PolicyVersion) -> Origin | None:
    """The commit a version came from; None for one that was written here."""
    return Origin.objects.select_related("source").filter(version=version).first()


def writers_of(version: PolicyVersion) -> list[str]:
    """E-mail addresses of who wrote, in git, what this version adds to what is in force."""
    policy = version.policy
    rows = Origin.objects.filter(version__policy=policy, version__number__lte=version.number)
    if policy.in_force is not None and policy.in_force.number < version.number:
        rows = rows.filter(version__number__gt=policy.in_force.number)
    return sorted({writer for found in rows.values_list("writers", flat=True) for writer in found})
