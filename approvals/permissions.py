"""One door per question: `why_not(person, verb, request)` refuses with a sentence, or says nothing.

Services raise the refusal, screens show it. Being a superuser changes nothing here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from django.db.models import Q

from approvals.asked import (
    obligations,
    self_approval_allowed,
    step_up_age,
)
from approvals.behalf import Answer, Naming, groups_behind, voice_of
from approvals.models import Decision, Request, StepUp
from approvals.quorum import Asked, tally, would_count
from approvals.requesters import ACCOUNTS, EMAILS, touched_by, touchers
from approvals.states import OPEN, Status
from approvals.votes import counting_approvals, may_publish, read_links
from policies.language.facts import Facts, FactState, Known, Unknown
from portal.access import Capability, holds
from portal.accounts.factor_kinds import factor_kinds
from portal.accounts.models import User
from portal.directory.models import Delegation
from portal.directory.queries import delegations_to, groups_of
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden, Refused
from portal.oidc.confirm import confirming_providers
from portal.templatetags.times import duration_words

Verb = Literal["decide", "approve", "confirm", "withdraw", "revoke"]


@dataclass(frozen=True)
class Refusal:
    """Why not: a stable code, a sentence for people, the HTTP status a surface answers with."""

    code: str
    sentence: str
    status: int = 403

    def error(self) -> Refused:
        """The exception a service raises for it."""
        kind = Conflict if self.status == 409 else Forbidden
        return kind(self.sentence, code=self.code)


_GATHERING = Refusal("gathering", "Who wrote the change is still being read; wait for it.", 409)


def _unknown_authors(request: Request) -> Refusal | None:
    """Nobody decides while its writers are not known: one of them might be who decides.

    A request without a commit, or one of whose commit no source tells anything, has no writers to
    know.
    """
    if request.policy_version is not None and request.snapshot is not None:
        writers = request.snapshot.typed.get("policy.authors")
        if isinstance(writers, Unknown):
            return Refusal(
                "authors-unknown",
                f"Who wrote the version is not known ({writers.reason}), so nobody may decide. "
                "Withdraw the request and save the document by hand.",
                409,
            )
    facts = request.snapshot.typed if request.snapshot else Facts({})
    told = request.project.repository or _tells_of_commit(facts)
    if not (told and request.subject.get("commit")):
        return None
    if _is_pending(facts.get(ACCOUNTS)):
        return _GATHERING
    for name in (*EMAILS, "git.authors"):
        state = _named(facts.state(name))
        if isinstance(state, Unknown):
            if _is_pending(state):
                return _GATHERING
            return Refusal(
                "authors-unknown",
                f"Who wrote the change is not known ({state.reason}), so nobody may decide. A "
                "repository that did not answer is read again by itself; anything else has to be "
                "put right, and then the pipeline has to ask again.",
                409,
            )
    return None


def _is_pending(state: FactState | None) -> bool:
    return isinstance(state, Unknown) and state.kind == "pending"


def _tells_of_commit(facts: Facts) -> bool:
    """Whether a source knows, or is to find out, anything about the commit."""
    git = (state for name, state in facts.items() if name.startswith("git."))
    return any(isinstance(state, Known) or state.kind != "absent" for state in git)


def _named(state: FactState) -> FactState:
    """A fact that names people; one that names nobody says nothing, whatever its source thinks."""
    if isinstance(state, Unknown):
        return state
    people = state.value if isinstance(state.value, tuple) else (str(state.value),)
    return state if all(people) else Unknown("it names no address", "unavailable")


def is_late(request: Request) -> bool:
    """Whether the time to decide is over; the sweep may not have come by yet."""
    return request.decide_by is not None and request.decide_by <= now()


def why_not_here(request: Request) -> Refusal | None:
    """Nothing is decided or begun where the environment or its project is archived."""
    for kind, place in (("environment", request.environment), ("project", request.project)):
        if place.archived_at is not None:
            return Refusal(
                "archived",
                f"The {kind} {place} is archived: nothing is decided or begun there. Restore it "
                "first, or withdraw the request.",
                409,
            )
    return None


def why_not_decide(
    person: User,
    request: Request,
    mine: Iterable[str],
    *,
    already: bool,
    asked: list[Asked] | None = None,
    behalf: Delegation | None = None,
) -> Refusal | None:
    """The answer for facts already loaded: `mine` are the person's groups, `already` = decided.

    `behalf`: as a delegate, who may do no more than the member they stand for.
    """
    if not person.is_active:
        return Refusal("inactive", "Your account is deactivated.")
    if request.status == Status.SUBMITTED:
        return Refusal("gathering", "The facts are still being gathered.", 409)
    if request.status != Status.PENDING:
        return Refusal("not-pending", f"This request is {request.status}; nothing waits.", 409)
    if is_late(request):
        return Refusal("late", "The time to decide is over; the pipeline has to ask again.", 409)
    here = why_not_here(request)
    if here is not None:
        return here
    wanted = asked if asked is not None else obligations(request)
    if not self_approval_allowed(wanted):
        toucher = touched_by(person, touchers(request))
        if toucher is not None:
            return Refusal("own-change", f"You cannot decide on this: {toucher.how}.")
        if behalf is not None and touched_by(behalf.delegator, touchers(request)) is not None:
            return Refusal(
                "own-change",
                f"You cannot decide on this on behalf of {behalf.delegator}, who touched it.",
            )
        unknown = _unknown_authors(request)
        if unknown is not None:
            return unknown
    named = sorted({group for one in wanted for group in one.groups})
    if not named:
        return Refusal("nobody-asked", "Policy asks nobody: it waits for a fact.", 409)
    if not set(mine if behalf is None else [behalf.group.name]) & set(named):
        return Refusal("not-in-group", f"Only members of {either(named)} may decide.")
    if not all(may_publish(one, request) for one in _in_name_of(person, behalf)):
        return Refusal(
            "missing-permission",
            "You need the permission “publish policy” on this policy, on the portal, or on every "
            "project that the document matches by its full name. An administrator can grant it.",
        )
    if already:
        return Refusal("decided", "You have already decided in this round.", 409)
    return None


def _in_name_of(person: User, behalf: Delegation | None) -> list[User]:
    return [person] if behalf is None else [person, behalf.delegator]


NAMING = Naming[Refusal](
    lost=lambda refusal: refusal.code in {"not-in-group", "not-your-turn", "voice-used"},
    vague=lambda refusal: refusal.code == "not-in-group",
)


def may_decide(
    person: User,
    request: Request,
    mine: Iterable[str],
    delegations: Callable[[], Iterable[Delegation]],
    *,
    already: bool,
    asked: list[Asked] | None = None,
) -> Answer[Refusal]:
    """Whether the person may decide, in their own name or else as somebody's delegate."""
    ask = partial(why_not_decide, person, request, mine, already=already, asked=asked)
    return NAMING.answer(lambda behalf: ask(behalf=behalf), delegations)


def may_approve(
    person: User,
    request: Request,
    mine: Iterable[str],
    delegations: Callable[[], Iterable[Delegation]],
    current: Iterable[Decision],
    *,
    asked: list[Asked] | None = None,
) -> Answer[Refusal]:
    """Whether an approval of the person would count now; `current` are this round's decisions."""
    listed = list(current)
    already = any(decision.person_id == person.pk for decision in listed)
    given = counting_approvals(request, listed)
    behind = groups_behind(given)
    wanted = asked if asked is not None else obligations(request)

    def why(behalf: Delegation | None) -> Refusal | None:
        refusal = why_not_decide(
            person, request, mine, already=already, asked=wanted, behalf=behalf
        )
        groups = mine if behalf is None else [behalf.group.name]
        return refusal or why_not_approve(person, groups, wanted, given, behind, behalf)

    return NAMING.answer(why, delegations)


def why_not_approve(
    person: User,
    mine: Iterable[str],
    asked: list[Asked],
    given: Sequence[Decision],
    behind: Mapping[str, frozenset[str]],
    behalf: Delegation | None = None,
) -> Refusal | None:
    """The rest of the answer for somebody who may decide: an approval has to count now.

    `given` are the approvals that count so far, in order, `behind` the groups behind them.
    Rejecting is always possible.
    """
    voice = person.pk if behalf is None else behalf.delegator_id
    spoken = next((one for one in given if voice_of(one) == voice), None)
    if spoken is not None:
        whom = "you" if behalf is None else str(behalf.delegator)
        said = "" if spoken.delegation is None else f" on behalf of {whom}"
        return Refusal(
            "voice-used",
            f"{spoken.person} has approved{said} already: together you count once. You may reject.",
            409,
        )
    approvals = [str(decision.person_id) for decision in given]
    here = {**behind, str(person.pk): frozenset(mine)}
    waits_for = {g for one in tally(asked, approvals, here) for g in one.waits_for}
    # One more than asked for does no harm: it still holds when somebody else's falls away.
    if not waits_for or would_count(asked, approvals, here, str(person.pk)):
        return None
    first = sorted(waits_for - set(mine)) or sorted(waits_for)
    return Refusal(
        "not-your-turn",
        f"Your approval would not count for everything yet: first {either(first)} decides. "
        "You may reject.",
        409,
    )


def why_not_unconfirmed(
    person: User, request: Request, step_up: StepUp | None = None
) -> Refusal | None:
    """The last part of the answer: policy may ask who decides for a second factor, shown for this.

    `step_up` is a fresh one for this very decision; without it nobody decides.
    """
    age = step_up_age(request)
    if not age or step_up is not None:
        return None
    if not factor_kinds(person) and not confirming_providers(person):
        return Refusal(
            "step-up-needed",
            "Policy asks whoever decides here for a second factor, and you have none. Add a "
            "passkey or an authenticator app to your account, then decide.",
        )
    return Refusal(
        "step-up-needed",
        "Policy asks whoever decides here to confirm with a second factor, at most "
        f"{duration_words(age)} before. Confirm that it is you, then decide.",
    )


def decides_as(
    person: User, verb: Verb, request: Request, step_up: StepUp | None = None
) -> Answer[Refusal]:
    """Whether `person` may decide or approve now, and in whose name; everything is read now.

    Who may approve on somebody's behalf rejects in that name too, as the page has it. To `confirm`
    is to show the second factor with which one then decides: the `step_up`.
    """
    answer = _in_whose_name(person, verb, request)
    if answer.refusal is None and verb != "confirm":
        refusal = why_not_unconfirmed(person, request, step_up)
        return answer if refusal is None else Answer(refusal)
    return answer


def _in_whose_name(person: User, verb: Verb, request: Request) -> Answer[Refusal]:
    current = [d for d in Decision.on(request) if d.round == request.round]
    mine = groups_of(person)
    delegations = partial(delegations_to, person)
    answer = may_approve(person, request, mine, delegations, current)
    if answer.refusal is None or verb == "approve":
        return answer
    already = any(decision.person_id == person.pk for decision in current)
    return may_decide(person, request, mine, delegations, already=already)


def why_not(
    person: User, verb: Verb, request: Request, step_up: StepUp | None = None
) -> Refusal | None:
    """Why `person` may not do this now, or None. Rights and memberships are read at this moment."""
    if verb in {"decide", "approve", "confirm"}:
        read_links(request)
        return decides_as(person, verb, request, step_up).refusal
    if Status(request.status) not in OPEN:
        return Refusal("over", f"This request is {request.status}: nothing is open any more.", 409)
    if verb == "withdraw":
        owner = request.account.owner_id if request.account else request.owner_id
        if owner == person.pk or _maintains(person, request):
            return None
        return Refusal(
            "not-yours",
            "Only who asked, the owner of the service account or a maintainer may withdraw it.",
        )
    return _why_not_revoke(person, request)


def _why_not_revoke(person: User, request: Request) -> Refusal | None:
    if request.status != Status.APPROVED:
        return Refusal("not-approved", "Only an approval that is not used yet can be revoked.", 409)
    given = request.decisions.filter(round=request.round, outcome="approve")
    approved = given.filter(Q(person=person) | Q(delegation__delegator=person)).exists()
    if approved or _maintains(person, request):
        return None
    return Refusal("not-yours", "Only who approved it or a maintainer may revoke it.")


def _maintains(person: Any, request: Request) -> bool:
    return holds(person, Capability.MAINTAIN, request.project)


def either(names: list[str]) -> str:
    """“dba”, or “dba, leads or ops”."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
