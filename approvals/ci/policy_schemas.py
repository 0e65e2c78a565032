"""What a policy repository's pipelines send and get: strict coming in, plain going out."""

from typing import Annotated

from ninja import Schema
from pydantic import AfterValidator, Field, model_validator

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
