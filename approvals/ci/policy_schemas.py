"""What a policy repository's pipelines send and get: strict coming in, plain going out."""

from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, Field, model_validator

from approvals.backtest.small import MOST
from approvals.ci.schemas import Line, Strict, VerdictOut
from policies.language.nodes import MAX_BYTES


def _short(value: str) -> str:
    if len(value.encode()) > MAX_BYTES:
        raise ValueError(f"is longer than {MAX_BYTES} bytes; at most {MAX_BYTES // 1024} KiB")
    return value


Document = Annotated[str, AfterValidator(_short)]
FactIn = bool | int | float | Annotated[str, Field(max_length=8192)] | Annotated[
    list[Annotated[str, Field(max_length=8192)]], Field(max_length=2000)
] | None  # fmt: skip
RequestId = Annotated[
    str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
Outcome = Literal["allow", "review", "blocked", "deny"]
RequestNumber = Annotated[int, Field(ge=1, le=2**63 - 1)]


class CheckIn(Strict):
    """One policy document, as it stands in its file."""

    document: Document


class ExplainIn(CheckIn):
    """A document, and what it shall judge: a request of the token's project, or facts.

    `request` is the id or the number of one. Of `facts` a null is unknown, and so is every fact
    that is not named; without a target they are for one that the document matches.
    """

    request: RequestId | RequestNumber | None = None
    facts: Annotated[
        dict[Annotated[Line, Field(max_length=100)], FactIn], Field(max_length=200)
    ] | (None) = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "ExplainIn":
        if (self.request is None) == (self.facts is None):
            raise ValueError("name either request or facts")
        return self


class ProblemOut(Schema):
    """One mistake; line and column count from 1."""

    line: int
    column: int
    message: str


class TestOut(Schema):
    """How one test of the document went; `differences` say what was not as expected."""

    name: str
    line: int
    column: int
    passed: bool
    verdict: str
    because: list[str]
    differences: list[str]


class CheckOut(Schema):
    """`ok`: no problem, every group can decide, every test passes.

    Groups and tests are looked at once the document has no problem. `policy` is its id, and empty
    where that cannot be read.
    """

    ok: bool
    policy: str
    digest: str
    problems: list[ProblemOut]
    groups: list[ProblemOut]
    tests: list[TestOut]


class ExplainOut(Schema):
    """What the document alone says. The verdict is null where it has problems, or does not match.

    In `rules` and `policies` the version 0 is one that is not stored.
    """

    ok: bool
    problems: list[ProblemOut]
    matches: bool
    verdict: VerdictOut | None


class BacktestIn(CheckIn):
    """A document, and how many of the newest requests of the token's project it judges again."""

    last: Annotated[int, Field(ge=1, le=MOST)] = 200


class ChangeOut(Schema):
    """How many requests went from one outcome to another; `shift`: fewer, more or other people."""

    old: Outcome
    new: Outcome
    shift: Literal["", "fewer", "more", "other"]
    count: int


class ChangedOut(Schema):
    """A request with another verdict; `unsure`: it rests on a fact that nobody knew then."""

    request: UUID
    url: str
    old: Outcome
    new: Outcome
    shift: Literal["", "fewer", "more", "other"]
    looser: bool
    people_then: int
    people_now: int
    unsure: bool


class RuleCountOut(Schema):
    """In how many requests a rule applied, or could not be told."""

    rule: str
    applies: int
    cannot_tell: int


class BacktestOut(Schema):
    """What the document would have said. `replayed` may be fewer than asked for: time is short.

    `touched`: those that the document matches, or that its policy judged. `missing`: facts that it
    reads and that nobody knew then, with the number of requests.
    """

    ok: bool
    problems: list[ProblemOut]
    replayed: int
    touched: int
    people_then: int
    people_now: int
    changes: list[ChangeOut]
    changed: list[ChangedOut]
    rules: list[RuleCountOut]
    missing: dict[str, int]
