"""Who did it. An actor is always required; the system is an actor too."""

from dataclasses import dataclass
from typing import Any, Literal

from portal.kernel.canonical import JSON

Kind = Literal["person", "service", "directory", "system"]


@dataclass(frozen=True)
class Actor:
    """`ref` is a random reference, never a name: names stand in erasable tables (LEDGER)."""

    kind: Kind
    ref: str
    authn: str = ""
    roles: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JSON]:
        return {
            "kind": self.kind,
            "ref": self.ref,
            "authn": self.authn,
            "roles": list(self.roles),
        }


SYSTEM = Actor(kind="system", ref="system")


def signed_in_by(second_factor: str = "") -> str:
    """The `authn` of a person: a session, and the second factor shown for this one act."""
    return f"session+{second_factor}" if second_factor else "session"


def person_actor(user: Any, *, authn: str = "session", roles: tuple[str, ...] = ()) -> Actor:
    """The actor for a signed-in person."""
    return Actor(kind="person", ref=str(user.actor_ref), authn=authn, roles=roles)


def service_actor(account: Any, *, authn: str = "token") -> Actor:
    """The actor for a service account that came with a token."""
    return Actor(kind="service", ref=str(account.actor_ref), authn=authn)


def directory_actor(directory: Any, *, authn: str = "token") -> Actor:
    """The actor for a directory of people that changes them over SCIM."""
    return Actor(kind="directory", ref=str(directory.pk), authn=authn)
