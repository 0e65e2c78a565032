"""What pipelines send and get: strict coming in, plain going out."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from approvals.ci.examples import PLAN
from approvals.context.plans import Plan, read_plan
from portal.kernel.text import text_problem


def _one_line(value: str) -> str:
    problem = text_problem(value)
    if problem:
        raise ValueError(problem)
    return value


def _lines(value: str) -> str:
    problem = text_problem(value, multiline=True)
    if problem:
        raise ValueError(problem)
    if len(value.encode()) > 4096:
        raise ValueError("is longer than 4096 bytes; shorten it")
    return value


def _web_address(value: str) -> str:
    if value and not value.startswith(("https://", "http://")):
        raise ValueError("must be an http:// or https:// address")
    return _one_line(value)


def _form(pattern: str, sentence: str) -> AfterValidator:
    """Text of this form, or a sentence that says what to send."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(sentence)
        return value

    return AfterValidator(check)


def _documented(pattern: str, **more: Any) -> Any:
    return Field(json_schema_extra={"pattern": f"^{pattern}$"}, **more)


MOST_WORKLOAD = 16_384  # characters; GitLab's can have 10,675
_DIGEST = "sha256:[0-9a-f]{64}"
_COMMIT = "(?:[0-9a-f]{40}|[0-9a-f]{64})"
_REF = r"refs/[^\s]+"
_STARTER = "[!-~]*"
_ACTION = "[a-z][a-z0-9_-]*"

Line = Annotated[str, AfterValidator(_one_line)]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_one_line)]
Digest = Annotated[
    str,
    _form(_DIGEST, "must be sha256: and 64 hexadecimal digits, in lower case"),
    _documented(_DIGEST, examples=["sha256:" + "0" * 64]),
]
Commit = Annotated[
    str,
    _form(_COMMIT, "must be a whole commit id: 40 or 64 hexadecimal digits, in lower case"),
    _documented(_COMMIT, examples=["9f3c1ab" + "0" * 33]),
]
Ref = Annotated[
    str,
    _form(_REF, "must be the full name of a branch or tag, such as refs/heads/main"),
    AfterValidator(_one_line),
    _documented(_REF, max_length=300, examples=["refs/heads/main"]),
]
Action = Annotated[
    str,
    _form(_ACTION, "must begin with a letter and have only a-z, 0-9, - and _, like deploy"),
    _documented(_ACTION, max_length=100),
]


class Strict(BaseModel):
    """Unknown fields are refused; nothing is converted by guessing."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SubjectIn(Strict):
    """What will be deployed, applied or migrated: at least one digest."""

    commit: Commit | None = None
    ref: Ref | None = None
    artifact: Digest | None = None
    plan: Digest | None = None

    @model_validator(mode="after")
    def _has_a_digest(self) -> "SubjectIn":
        if not (self.commit or self.artifact or self.plan):
            raise ValueError("name at least one of commit, artifact and plan")
        return self


class RunIdIn(Strict):
    """Which run attempt speaks."""

    id: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
    attempt: Annotated[int, Field(ge=1, le=100_000)] = 1


class RunIn(RunIdIn):
    """The run that asks."""

    url: Annotated[str, Field(max_length=2000), AfterValidator(_web_address)] = ""
    pipeline: Annotated[Line, Field(max_length=200)] = ""
    job: Annotated[Line, Field(max_length=200)] = ""
    actor: Annotated[Line, Field(max_length=200)] = ""
    system: Annotated[Line, Field(max_length=50)] = ""


def _claim(value: object) -> object:
    """One claim's form; what each of them may be is checked against the schema of facts."""
    if isinstance(value, list):
        for item in value:
            _claimed_text(item, 200, "a list of texts")
    elif isinstance(value, str):
        _claimed_text(value, 1000, "a text")
    elif not isinstance(value, bool | int | float):
        raise ValueError("must be true or false, a number, a text or a list of texts")
    return value


def _claimed_text(value: object, longest: int, what: str) -> None:
    if not isinstance(value, str):
        raise ValueError(f"must be {what}")
    if len(value) > longest:
        raise ValueError(f"has a text of more than {longest} characters; shorten it")
    _one_line(value)


# No union: of its members each would add an error of its own, in words of the library.
ClaimValue = Annotated[
    Any,
    AfterValidator(_claim),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "boolean"},
                {"type": "number"},
                {"type": "string", "maxLength": 1000},
                {"type": "array", "items": {"type": "string", "maxLength": 200}},
            ]
        }
    ),
]


# The digest of a plan, precisely; docs/how-to/terraform.md says the same.
_PLAN = (
    "The plan as `terraform show -json PLAN` says it (format 1.x), at most 2 MiB as sent. With it "
    "`subject.plan` is required and must be its digest: SHA-256 of the object without its member "
    "`timestamp`, written as RFC 8785 says (members sorted by UTF-16 code units, no white space, "
    "UTF-8), except that every number keeps the digits it was sent with. Only this digest, counts, "
    "addresses and types are kept; no value is."
)


def _plan(value: object) -> Plan | None:
    return None if value is None else read_plan(value)


class RequestIn(Strict):
    """One pipeline run asks to perform one action once."""

    project: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_one_line)]
    environment: Name
    action: Action
    subject: SubjectIn
    run: RunIn
    reason: Annotated[str, AfterValidator(_lines)] = ""
    labels: Annotated[
        list[Annotated[Line, Field(min_length=1, max_length=100)]], Field(max_length=50)
    ] = []
    claims: Annotated[dict[str, ClaimValue], Field(max_length=50)] = {}
    plan_json: Annotated[
        Plan | None,
        BeforeValidator(_plan),
        WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "null"}]}),
        Field(description=_PLAN, examples=[PLAN]),
    ] = None


class RedeemIn(Strict):
    """The run attempt that goes on, and the digest it got when it asked."""

    run: RunIdIn
    digest: Digest


Starter = Annotated[
    str, _form(_STARTER, "must be visible ASCII characters"), _documented(_STARTER, max_length=64)
]


class HeartbeatIn(Strict):
    """The run attempt whose action is alive.

    `starter` is a random text made by the process that will act. The first heartbeat keeps it, and
    one with another `starter` is refused with 409 `already-running`: act only after a 200.
    """

    run: RunIdIn
    starter: Starter = ""


class FinishIn(Strict):
    """How the action ended; `starter` as in heartbeat, so that no other start is ended by it."""

    run: RunIdIn
    starter: Starter = ""
    outcome: Literal["succeeded", "failed"]
    exit_code: Annotated[int, Field(ge=-1000, le=1000)] | None = None


class WithdrawIn(Strict):
    """The run was cancelled."""

    run: RunIdIn
    reason: Annotated[str, AfterValidator(_lines)] = ""


class WorkloadIn(Strict):
    """A token that the CI system signed for this run, made for the audience of the project.

    The audience is the portal's address, a slash and the project's name, and no other.
    """

    project: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_one_line)]
    token: Annotated[
        str, _form("[!-~]+", "must be a JWT"), _documented("[!-~]+", max_length=MOST_WORKLOAD)
    ]


class RunOut(Schema):
    id: str
    attempt: int


class RunTokenOut(Schema):
    """What to send as `Authorization: Bearer`, and as `run`, in the calls of this run attempt."""

    token: str
    expires_at: datetime
    run: RunOut


class PolicyOut(Schema):
    policy: str
    version: int
    digest: str


class RuleOut(Schema):
    """One rule; `remedy` says what would make it pass, where it is in the way."""

    policy: str
    version: int
    rule: str
    effect: Literal["deny", "require", "approve", "limit", "note", "default"]
    level: Literal["hard", "soft", "advisory"]
    result: Literal["applies", "does_not", "cannot_tell"]
    sentence: str
    remedy: str


class VerdictOut(Schema):
    outcome: Literal["allow", "deny", "review", "blocked"]
    explanation: list[str]
    rules: list[RuleOut]
    risk: Literal["high", "medium", "low"] | None
    policies: list[PolicyOut]


class WaitingOut(Schema):
    policy: str
    rule: str
    groups: list[str]
    waits_for: list[str]
    needed: int
    given: int


class DecisionOut(Schema):
    person: str
    on_behalf_of: str | None
    outcome: Literal["approve", "reject"]
    comment: str
    at: datetime
    counts: bool
    round: int


class PermitOut(Schema):
    id: UUID
    status: str
    issued_at: datetime
    expires_at: datetime
    heartbeat_seconds: int = 30


class RequestOut(Schema):
    """Where a request stands. `summary` is one sentence, fit for a status line."""

    id: UUID
    number: int
    status: str
    version: int
    round: int
    digest: str
    url: str
    project: str
    environment: str
    action: str
    subject: dict[str, str]
    run: dict[str, Any]
    created_at: datetime
    decide_by: datetime | None
    use_by: datetime | None
    summary: str
    verdict: VerdictOut | None
    waiting_for: list[WaitingOut]
    decisions: list[DecisionOut]
    drift: list[dict[str, Any]]
    permit: PermitOut | None


class RedeemOut(Schema):
    """The permit, its signed receipt and the receipt's twin as a Simple Verification Result.

    Both are DSSE envelopes. Permits from before there was a twin have none.
    """

    permit: PermitOut
    receipt: dict[str, Any]
    simple_result: dict[str, Any] | None


class PermitAnswer(Schema):
    permit: PermitOut


class FactOut(Schema):
    """A fact that a condition may name. Claimed facts can tighten a verdict, never loosen it."""

    name: str
    kind: Literal["bool", "int", "double", "string", "list"]
    provenance: Literal["attested", "claimed"]
    group: str
    meaning: str
    unit: str
    enumeration: list[str]
    example: bool | int | float | str | list[str]


class FamilyOut(Schema):
    """A family: attested facts `name.anything` of one kind, which connections give."""

    name: str
    kind: Literal["bool", "int", "double", "string", "list"]
    meaning: str
    example: bool | int | float | str | list[str]


class FactsOut(Schema):
    """A fact schema: what `facts:` of a policy document names, whole."""

    version: str
    facts: list[FactOut]
    families: list[FamilyOut]


class Problem(Schema):
    """RFC 9457; `code` is stable, `detail` says what to do. What does not fit is absent."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: Annotated[
        list[dict[str, str]], Field(description="With `invalid`: each wrong field and its message.")
    ] = []
    request_status: Annotated[str, Field(description="Where the request stands now.")] = ""
    round: Annotated[int, Field(ge=1, description="The round the request is in now.")] = 1
    drift: Annotated[
        list[dict[str, Any]],
        Field(description="With `drift`: the facts that moved, as in a request."),
    ] = []
    instance: Annotated[str, Field(description="With `internal`: the entry in the log.")] = ""
