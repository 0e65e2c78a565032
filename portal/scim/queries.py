"""The read side of directories."""

from uuid import UUID

from django.db.models import Count, Q, QuerySet

from portal.kernel.errors import NotFound
from portal.scim.models import Directory, KeptGroup, KeptPerson

_PEOPLE = Count("keptpersons", distinct=True, filter=Q(keptpersons__removed_at=None))


def directories() -> QuerySet[Directory]:
    """All of them, those in use first, with how many people and groups each keeps."""
    counted = Directory.objects.annotate(people=_PEOPLE, groups=Count("keptgroups", distinct=True))
    return counted.order_by("archived_at", "name")


def load_directory(directory_id: UUID) -> Directory:
    """The directory. Raises NotFound."""
    found = directories().select_related("created_by").filter(pk=directory_id).first()
    if found is None:
        raise NotFound("There is no such directory.")
    return found


def people_of(directory: Directory) -> QuerySet[KeptPerson]:
    """The people it keeps, without those it removed."""
    return directory.keptpersons.filter(removed_at=None).select_related("person")


def groups_of(directory: Directory) -> QuerySet[KeptGroup]:
    """The groups it keeps."""
    return directory.keptgroups.select_related("group")
