"""The two kinds of resources: how each is found, shown, added, changed and removed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from scim2_models import NotFoundException

from portal.scim.filters import GROUPS, USERS, Column
from portal.scim.groups import add_group, change_group, remove_group
from portal.scim.models import Directory
from portal.scim.people import add_person, change_person, remove_person
from portal.scim.present import groups, users
from portal.scim.queries import groups_of, people_of
from portal.scim.resources import Group, User


@dataclass(frozen=True)
class Kind:
    """`quiet`: a PATCH is answered without the resource, which may be long."""

    model: Any
    rows: Callable[[Directory], "QuerySet[Any]"]
    key: str
    columns: Mapping[str, Column]
    show: Callable[[Directory, Iterable[Any]], list[Any]]
    add: Callable[[Directory, Any], Any]
    change: Callable[[Any, Any], None]
    remove: Callable[[Any], None]
    quiet: bool = False

    def find(self, directory: Directory, id: str) -> Any:
        """What `directory` keeps under this id. Raises NotFoundException."""
        try:
            wanted: dict[str, Any] = {self.key: UUID(id)}
        except ValueError:
            wanted = {"pk__in": []}
        found = self.rows(directory).filter(**wanted).first()
        if found is None:
            raise NotFoundException(detail=f"This directory keeps no such {self.model.__name__}.")
        found.directory = directory
        return found

    def shown(self, directory: Directory, row: Any) -> Any:
        """The one resource."""
        return self.show(directory, [row])[0]


PEOPLE = Kind(User, people_of, "person", USERS, users, add_person, change_person, remove_person)
APPROVER_GROUPS = Kind(
    Group, groups_of, "group", GROUPS, groups, add_group, change_group, remove_group, quiet=True
)
