"""Who touched a change: the requester set, of which nobody decides.

Known by the portal's own rows, by names and addresses that the run and the commits bring along,
and by accounts at the forge that asks told of, where they are linked to people here. Words of a
commit only bar people; being linked is what makes an author known.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django.db.models.functions import Lower

from approvals.models import Connection, Request
from policies.language.facts import Facts, FactState, Known
from policies.language.unknown_authors import UNKNOWN_AUTHORS
from portal.accounts.models import PROVIDERS, ForgeAccount, User

# Facts that name people who touched the change. Claims may be among them: they only bar people.
EMAILS = ("git.author", "git.committer")
ACCOUNTS = "git.author_accounts"
# The same by accounts at the forge.
_BY_ACCOUNT = {
    "git.author_ids": "your account at the forge wrote part of the change",
    ACCOUNTS: "your account at the forge wrote part of the change",
    "git.committer_ids": "your account at the forge committed part of the change",
    "pr.author": "your account at the forge opened the pull request",
    "ci.started_by": "your account at the forge pushed or started the run",
}
NO_ACCOUNT = "-"  # in place of an account, where the forge knows of none
_ACCOUNT = re.compile(r"([a-z]+):([1-9][0-9]{0,17})")

#: Who said it (the key of a connection), and the account as facts name it: `github:583231`.
Told = tuple[str, str]


@dataclass(frozen=True)
class Toucher:
    """Somebody who touched the change, known by id, name or address, and how."""

    key: str
    how: str


def touchers(request: Request) -> list[Toucher]:
    """The requester set: owner of the service account, who triggered, authors and committers, who
    opened the pull request, and owners of bots among them.

    Of a request about a policy: who asked, and who wrote the version.
    """
    found = _askers(request)
    actor = str(request.run.get("actor", ""))
    if actor:
        found.append(Toucher(actor.casefold(), "you started the run"))
    if request.snapshot is not None:
        facts = request.snapshot.typed
        for name in EMAILS:
            state = facts.state(name)
            if isinstance(state, Known):
                found.append(Toucher(str(state.value).casefold(), "you wrote or committed it"))
        for name in ("git.authors", "policy.authors"):
            found += [
                Toucher(author.casefold(), "you wrote part of the change")
                for author in _texts(facts.state(name))
            ]
    return found + [Toucher(person, how) for person, how in request.forge_touchers]


def touched_by(person: User, people: Iterable[Toucher]) -> Toucher | None:
    """How `person` touched the change, or None."""
    mine = {str(person.pk), person.username.casefold()}
    if person.email:
        mine.add(person.email.casefold())
    return next((toucher for toucher in people if toucher.key in mine), None)


def linked_touchers(request: Request, facts: Facts) -> list[list[str]]:
    """`[id of a person, how]` for each account that a forge told of and somebody is linked to now.

    Whoever touched it once keeps having touched it: a pull request may be closed and opened again
    by somebody else, and a forge may fall silent. Only the end of their link frees them. No query
    where no forge tells of any.
    """
    named = list(_named(facts))
    people = _people_of({account for account, _how in named})
    found = {(str(people[one]), how) for one, how in named if one in people}
    before = {(person, how) for person, how in request.forge_touchers} - found
    if before:
        links = ForgeAccount.objects.filter(person__in={person for person, _how in before})
        linked = {str(pk) for pk in links.filter(archived_at=None).values_list("person", flat=True)}
        found |= {row for row in before if row[0] in linked}
    return [list(row) for row in sorted(found)]


def with_unknown_authors(facts: Facts) -> Facts:
    """`facts` with how many authors nobody here is known to be, where a forge tells of accounts."""
    state = facts.get(ACCOUNTS)
    if state is None:
        return facts
    if isinstance(state, Known):
        count = len(unknown_authors(facts))
        state = Known(count, state.source, state.observed_at, "attested")
    return facts.replaced({UNKNOWN_AUTHORS: state})


def unknown_authors(facts: Facts) -> list[str]:
    """The authors (account and address) behind whom nobody here is.

    Somebody is by a link to the account; or by an address of theirs, where the forge says whose
    account has it. What a commit says alone counts for nothing.
    """
    state = facts.state(ACCOUNTS)
    if not isinstance(state, Known):
        return []
    lines = {line: line.partition(" ") for line in _texts(state)}
    people = _people_of({(state.source, account) for account, _, _ in lines.values()})
    told = {address.casefold() for account, _, address in lines.values() if account != NO_ACCOUNT}
    here = _addresses(told - {""})
    return [
        line
        for line, (account, _, address) in lines.items()
        if (state.source, account) not in people
        and (account == NO_ACCOUNT or address.casefold() not in here)
    ]


def forge_of(connection: Connection) -> tuple[str, str] | None:
    """Provider and host of the forge that a connection reads; None for one that reads none.

    Whatever else stands in the address belongs to it: below a repository's own pages anybody could
    answer in the forge's name.
    """
    provider, url = connection.kind, str(connection.settings.get("url", ""))
    if provider not in dict(PROVIDERS):
        return None
    parts = urlsplit(url.rstrip("/"))
    place = f"{parts.netloc.lower().removesuffix(':443')}{parts.path}"
    if provider == "github":
        own = place.removesuffix("/api/v3")
        place = own if "/" not in own else place
        place = "github.com" if place == "api.github.com" else place
    return provider, place if parts.scheme == "https" else f"{parts.scheme}://{place}"


def _named(facts: Facts) -> Iterator[tuple[Told, str]]:
    """Every account that a forge told of, and what it did."""
    for name, how in _BY_ACCOUNT.items():
        state = facts.get(name)
        if isinstance(state, Known):
            for text in _texts(state) or (str(state.value or ""),):
                yield (state.source, text.partition(" ")[0]), how


def _people_of(told: set[Told]) -> dict[Told, UUID]:
    """The people who are linked to these accounts now."""
    forges = _forges({source for source, _text in told})
    accounts = {}
    for source, text in told:
        named = _ACCOUNT.fullmatch(text)
        if named and source in forges and named[1] == forges[source][0]:
            accounts[source, text] = (*forges[source], int(named[2]))
    if not accounts:
        return {}
    numbers = {number for _provider, _host, number in accounts.values()}
    links = ForgeAccount.objects.filter(number__in=numbers, archived_at=None)
    people = {(row.provider, row.host, row.number): row.person_id for row in links}
    return {one: people[account] for one, account in accounts.items() if account in people}


def _forges(sources: set[str]) -> dict[str, tuple[str, str]]:
    """Provider and host of the connections whose readings are kept under these keys."""
    ids = []
    for source in sources:
        with suppress(ValueError):
            ids.append(UUID(source.partition(":")[2]))
    rows = Connection.objects.filter(pk__in=ids).only("id", "kind", "settings") if ids else ()
    return {row.key: forge for row in rows if (forge := forge_of(row)) is not None}


def _addresses(wanted: set[str]) -> set[str]:
    """Those of `wanted` (in lower case) that are the address of somebody here."""
    if not wanted:
        return set()
    people = User.objects.annotate(address=Lower("email")).filter(address__in=wanted)
    return set(people.values_list("address", flat=True))


def _texts(state: FactState) -> tuple[str, ...]:
    return state.value if isinstance(state, Known) and isinstance(state.value, tuple) else ()


def _askers(request: Request) -> list[Toucher]:
    found = []
    if request.account is not None:
        found.append((request.account.owner_id, "you own the service account that asked"))
    if request.token is not None:
        found.append((request.owner_id, "you owned the service account when it asked"))
        how = "you issued the token that asked"
        if request.token.trust_id is not None:
            how = "you set up the trust on which it asked"
        found.append((request.token.created_by_id, how))
    if request.policy_version is not None:
        found.append((request.owner_id, "you asked for this"))
        found.append((request.policy_version.author_id, "you wrote this version"))
    return [Toucher(str(person), how) for person, how in found]
