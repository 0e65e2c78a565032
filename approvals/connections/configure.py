"""Connecting outside systems: adding, changing, pausing and archiving connections.

Maintainers connect their project; administrators the whole organisation, and what stands inside
this network. Whatever changes what is asked leaves a mark (`moved_at`) until what waits was judged
again.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from approvals.connections.settings import checked_secrets, checked_settings, require_secrets
from approvals.context.connected import ConnectedSource
from approvals.context.registry import CONNECTED
from approvals.lifecycle.announce import wake
from approvals.models import Connection
from portal.access import Capability, holds, require
from portal.directory.models import Environment, Project
from portal.kernel.canonical import JSON, canonical, sha256_digest
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Conflict, NotFound
from portal.kernel.sealed import seal
from portal.kernel.validation import check_row, insert_row, invalid
from portal.ledger.actors import person_actor
from portal.ledger.change import change
from portal.ledger.record import record

MOST = 30  # of one scope: each may be asked for every request that waits there
MOST_IN_ENTRY = 500
_FRESH: dict[str, Any] = {
    "failures": 0,
    "open_until": None,
    "limit_left": None,
    "limit_resets_at": None,
    "limit_reserve": 0,
    "limited_until": None,
    "last_error": "",
    "last_error_at": None,
    "last_success_at": None,
}


def may_configure(by: Any, project: Project | None) -> bool:
    """Whether `by` may connect systems for the project, or, with none, for the organisation."""
    return holds(by, Capability.MAINTAIN if project else Capability.ADMINISTER, project)


def require_configure(by: Any, project: Project | None) -> None:
    """Raise Forbidden unless `by` may."""
    require(by, Capability.MAINTAIN if project else Capability.ADMINISTER, project)


def source_of(kind: str) -> ConnectedSource:
    """The source of this name. Raises NotFound where no package brings it."""
    if kind not in CONNECTED:
        raise NotFound(_("There is no such kind of connection here."))
    return CONNECTED[kind]


@transaction.atomic
def create_connection(
    *,
    by: Any,
    kind: str,
    name: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    project: Project | None = None,
    environment: Environment | None = None,
    private: bool = False,
) -> Connection:
    """Connect an outside system: what waits asks it from now on.

    Raises Forbidden, NotFound, Invalid naming the field, Conflict.
    """
    require_configure(by, project)
    source = source_of(kind)
    _refuse_archived(project)
    connection = Connection(
        kind=kind,
        name=name,
        project=project,
        environment=environment,
        created_by=by,
        created_at=now(),
    )
    _set(by, connection, source, settings, secrets, private)
    _check_scope(connection)
    insert_row(connection)
    _record("connection.created", by, connection, {})
    _move(connection)
    return connection


@transaction.atomic
def change_connection(
    *,
    by: Any,
    connection: Connection,
    name: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    environment: Environment | None = None,
    private: bool = False,
) -> Connection:
    """Change it; a secret that is not given stays, unless other hosts would learn it.

    Raises Forbidden, NotFound, Invalid naming the field, Conflict.
    """
    connection = lock_connection(by, connection)
    source = source_of(connection.kind)
    before, sealed = _state(connection), dict(connection.secrets)
    connection.name, connection.environment = name, environment
    _set(by, connection, source, settings, secrets, private)
    _check_scope(connection)
    check_row(connection)
    if (_state(connection), connection.secrets) == (before, sealed):
        return connection
    for field, value in _FRESH.items():
        setattr(connection, field, value)
    connection.revision += 1
    connection.save()
    _record("connection.changed", by, connection, before, replaced=sorted(secrets))
    _move(connection)
    return connection


@transaction.atomic
def pause_connection(*, by: Any, connection: Connection) -> Connection:
    """It is not asked until it is resumed. Raises Forbidden, Conflict."""
    return _set_time(by, connection, "connection.changed", paused_at=now())


@transaction.atomic
def resume_connection(*, by: Any, connection: Connection) -> Connection:
    """Undo `pause_connection`. Raises Forbidden, Conflict."""
    return _set_time(by, connection, "connection.changed", paused_at=None)


@transaction.atomic
def archive_connection(*, by: Any, connection: Connection) -> Connection:
    """It is never asked again, and its secrets are gone. Raises Forbidden, Conflict."""
    gone: dict[str, Any] = {"secrets": {}, "hook_secret": ""}
    return _set_time(by, connection, "connection.archived", archived_at=now(), **gone)


def lock_connection(by: Any, connection: Connection) -> Connection:
    """Its row, locked, for who may change it. Raises Forbidden, Conflict (archived)."""
    require_configure(by, connection.project)
    locked = Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
    if locked.archived_at:
        raise Conflict(_("This connection was archived."), code="archived")
    return locked


def _refuse_archived(project: Project | None) -> None:
    if (
        project is not None
        and Project.objects.select_for_update(no_key=True).get(pk=project.pk).archived_at
    ):
        raise Conflict(f"{project} is archived. Restore it first.", code="archived")


def _set(
    by: Any,
    connection: Connection,
    source: ConnectedSource,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    private: bool,
) -> None:
    """Put in what was filled in, where all of it may be."""
    old = (connection.hosts, connection.private)
    connection.settings = checked_settings(source, settings, private=private)
    connection.hosts = sorted(source.hosts(connection.settings))
    connection.private = private
    if private and (connection.hosts, private) != old:
        # Whoever says which addresses inside this network are asked could read what stands there.
        require(by, Capability.ADMINISTER)
    given = checked_secrets(source, secrets)
    if not set(connection.hosts) <= set(old[0]):
        _refuse_to_hand_on(connection, given)
    connection.secrets = {
        **connection.secrets,
        **{name: seal(text) for name, text in given.items()},
    }
    require_secrets(source, connection.secrets)


def _refuse_to_hand_on(connection: Connection, given: Mapping[str, str]) -> None:
    """What somebody else entered for one host is not sent to another: who changes it knows it."""
    kept = sorted(set(connection.secrets) - set(given))
    if kept:
        raise invalid(kept[0], _("Enter it again: the connection would send it to another server."))


def _check_scope(connection: Connection) -> None:
    environment = connection.environment
    if environment is not None and environment.project_id != connection.project_id:
        raise invalid("environment", _("This environment is not one of the project."))
    same = Connection.objects.filter(project=connection.project_id, archived_at=None).exclude(
        pk=connection.pk
    )
    if same.filter(name=connection.name).exists():
        raise invalid("name", _("There is a connection of this name already."))
    if same.count() >= MOST:
        raise Conflict(f"There are {MOST} connections already. Archive one first.", code="too-many")


def _set_time(by: Any, connection: Connection, event: str, **wanted: Any) -> Connection:
    connection = lock_connection(by, connection)
    before = _state(connection)
    for field, value in wanted.items():
        setattr(connection, field, value)
    connection.save(update_fields=list(wanted))
    _record(event, by, connection, before)
    _move(connection)
    return connection


def _move(connection: Connection) -> None:
    connection.moved_at, connection.met_up_to = now(), None
    connection.save(update_fields=["moved_at", "met_up_to"])
    wake("approvals.meet_connection", str(connection.pk))


def _state(connection: Connection) -> dict[str, JSON]:
    """What an entry says of it: of secrets their names alone."""
    times = {name: getattr(connection, name) for name in ("paused_at", "archived_at")}
    settings = {f"settings.{name}": _cut(value) for name, value in connection.settings.items()}
    return {
        "name": connection.name,
        "environment": str(connection.environment_id) if connection.environment_id else None,
        "private": connection.private,
        "hosts": list(connection.hosts),
        "secrets": sorted(connection.secrets),
        **{name: rfc3339(moment) if moment else None for name, moment in times.items()},
        **settings,
    }


def _cut(value: Any) -> JSON:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return value if len(value) <= MOST_IN_ENTRY else sha256_digest(value.encode())
    if value is None or isinstance(value, bool | int):
        return value
    return sha256_digest(canonical(_plain(value)))


def _plain(value: Any) -> JSON:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return repr(value) if isinstance(value, float) else value


def _record(
    event: str,
    by: Any,
    connection: Connection,
    before: dict[str, JSON],
    replaced: list[str] | None = None,
) -> None:
    after = _state(connection)
    moved = {name for name in before | after if before.get(name) != after.get(name)}
    about: dict[str, JSON] = {
        "kind": "connection",
        "id": str(connection.pk),
        "source": connection.kind,
    }
    if replaced:
        about["secrets_replaced"] = list(replaced)
    record(
        event,
        actor=person_actor(by),
        project=connection.project_id,
        object=about,
        change=change(
            {name: before[name] for name in sorted(moved) if name in before},
            {name: after[name] for name in sorted(moved) if name in after},
        ),
    )
