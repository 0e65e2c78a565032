"""What a source of facts is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from approvals.context.configured import Configured
from approvals.context.history import History
from policies.freezes.state import Calendar
from policies.language.facts import (
    FactType,
    FactValueError,
    Known,
    Unknown,
    check_value,
)
from policies.language.schema import facts_given
from policies.models import PolicyVersion


@dataclass(frozen=True)
class Question:
    """What a source is asked about: one request, and the world as the portal knows it.

    `history.running_commit` is what runs on the environment now, so that a change can be measured
    against it. `policy_version` is what a request about a policy is for. `connections` reach the
    environment, the most specific last. `fresh`: nothing from before `now` is taken for granted.
    `plan` is the summary of the Terraform plan that came with the request.
    """

    request_id: UUID
    project_id: UUID
    environment_id: UUID
    project: str
    environment: str
    tier: str
    action: str
    subject: Mapping[str, str]
    run: Mapping[str, object]
    labels: tuple[str, ...]
    claims: Mapping[str, object]
    reason: str
    repository: str
    branch: str
    history: History
    policy_version: PolicyVersion | None
    calendar: Calendar
    now: datetime
    connections: tuple[Configured, ...] = ()
    fresh: bool = False
    plan: Mapping[str, object] | None = None

    @property
    def commit(self) -> str:
        return self.subject.get("commit", "")


class SourceFailed(Exception):
    """The source could not answer; the sentence says why and is shown to people."""


class Source(ABC):
    """One place facts come from.

    `gives`: the groups of facts it gives whole (`time`), and names of single ones (`git.head`).
    `budget`: seconds one reading may take. `time_to_live`: how long an answer may be shown before
    it is read again while a request waits. `at_hand`: answered by this process and its database
    alone, so it can be read inside the POST. `silence`: why a value may be missing.
    """

    name: str
    gives: tuple[str, ...]
    at_hand: bool = False
    budget: float = 5.0
    time_to_live: timedelta = timedelta(seconds=30)
    silence: str = "the source has no value for it"

    @property
    def key(self) -> str:
        """What its readings are kept under."""
        return self.name

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name

    def fact_types(self) -> tuple[FactType, ...]:
        """The facts this source gives, from the schema."""
        return facts_given(self.gives)

    def applies(self, question: Question) -> bool:
        """Whether this source can know anything about the request."""
        return True

    @abstractmethod
    def read(self, question: Question) -> Mapping[str, object | None]:
        """Values by fact name. Raises SourceFailed.

        What it cannot tell is an Unknown with its reason, or None when `silence` says it.
        """

    def known(self, question: Question) -> dict[str, Known | Unknown]:
        """`read`, turned into facts with source, time and provenance."""
        return self.states(self.read(question), question.now)

    def states(
        self, values: Mapping[str, object | None], at: datetime
    ) -> dict[str, Known | Unknown]:
        """Every fact of this source, of the values it gave; what it has no value for is unknown."""
        return {
            fact.name: self._state(fact, values.get(fact.name), at) for fact in self.fact_types()
        }

    def _state(self, fact: FactType, value: object | None, at: datetime) -> Known | Unknown:
        if isinstance(value, Unknown):
            return value
        if value is None:
            return Unknown(self.silence, "absent")
        try:
            return Known(check_value(fact, value), self.key, at, fact.provenance)
        except FactValueError as error:
            return Unknown(f"the source's answer is not usable: {error.sentence}", "absent")
