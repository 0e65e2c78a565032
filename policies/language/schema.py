"""The fact schema: every fact a condition may name, with its type and where it comes from.

Once a release carries a schema it never changes, because stored policy versions were checked
against it; new facts then make a new schema beside the old one. No release carries v1 yet: until
then facts may be added to it, never taken out or given another type.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Kind = Literal["bool", "int", "double", "string", "list"]
Provenance = Literal["attested", "claimed"]
Value = bool | int | float | str | tuple[str, ...]

CURRENT_SCHEMA = "v1"


@dataclass(frozen=True, slots=True)
class FactType:
    """One declared fact. Kind "list" is a list of strings; no enumeration means any value.

    `example` is a value it could have, for people who write policies.
    """

    name: str
    kind: Kind
    provenance: Provenance
    source: str
    description: str
    example: Value
    enumeration: tuple[str, ...] = ()
    unit: str = ""

    @property
    def claimed(self) -> bool:
        """Whether the caller alone says so."""
        return self.provenance == "claimed"


Schema = Mapping[str, FactType]
Row = tuple[str, Kind, str, Value] | tuple[str, Kind, str, Value, tuple[str, ...] | str]

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_COMMIT = "9f3c1ab70d4e52c68a1b3f0e7d2c4b5a69788790"
_DIGEST = "sha256:" + "7be1" * 16
_TIERS = ("production", "staging", "testing", "development")

_REQUEST: tuple[Row, ...] = (
    ("request.project", "string", "Project the request is for.", "shop"),
    ("request.environment", "string", "Environment the action is done to.", "production"),
    ("request.tier", "string", "Tier of that environment.", "production", _TIERS),
    ("request.action", "string", "Action asked for, for example deploy.", "deploy"),
    (
        "request.commit",
        "string",
        "Commit the action is done with; empty when none was named.",
        _COMMIT,
    ),
    (
        "request.ref",
        "string",
        "Full ref the run was started from; empty when none was named.",
        "refs/heads/main",
    ),
    ("request.artifact", "string", "Digest of the artifact; empty when none was named.", _DIGEST),
    ("request.plan", "string", "Digest of the plan; empty when none was named.", _DIGEST),
    ("request.run_attempt", "int", "Attempt of the run that asks, from 1.", 1),
)
_REQUEST_CLAIMS: tuple[Row, ...] = (
    (
        "request.labels",
        "list",
        "Labels the caller put on the request; empty when none.",
        ("hotfix",),
    ),
    ("request.actor", "string", "Who started the run, as the caller says.", "ana"),
    ("request.reason", "string", "Reason given by the caller; empty when none.", "Release 4.18.2"),
    ("request.system", "string", "CI system of the run, for example gitlab.", "gitlab"),
    ("request.pipeline", "string", "Pipeline of the run.", "deploy"),
    ("request.job", "string", "Job of the run.", "deploy:production"),
)
_CLAIMS: tuple[Row, ...] = (
    ("ci.state", "string", "State of CI.", "success", ("success", "failure", "pending", "error")),
    ("ci.failed", "list", "Names of the CI checks that failed.", ("lint", "e2e")),
    ("tests.passed", "bool", "Whether the tests passed.", True),
    ("deploy.canary_error_rate", "double", "Error rate of the canary.", 0.012, "share, 0 to 1"),
    (
        "deploy.baseline_error_rate",
        "double",
        "Error rate beside the canary.",
        0.004,
        "share, 0 to 1",
    ),
)
_HISTORY: tuple[Row, ...] = (
    (
        "history.running_commit",
        "string",
        "Commit that runs there now, as far as was reported.",
        _COMMIT,
    ),
    ("history.running_since_s", "int", "How long it has been running.", 86400, "seconds"),
    ("history.last_success_age_s", "int", "Time since the last success there.", 86400, "seconds"),
    (
        "history.last_outcome",
        "string",
        "How the last permit there ended.",
        "succeeded",
        ("none", "succeeded", "failed", "lost"),
    ),
    ("history.deploys_7d", "int", "Permits there in the last seven days.", 12),
    ("history.failures_7d", "int", "Permits there in the last seven days that failed.", 1),
    ("history.first_time", "bool", "Whether nothing has run there before.", False),
)
_GIT: tuple[Row, ...] = (
    ("git.exists", "bool", "Whether the repository has the commit.", True),
    ("git.head", "string", "Tip of the protected branch.", _COMMIT),
    ("git.is_head", "bool", "Whether the commit is that tip.", True),
    ("git.on_branch", "bool", "Whether the commit is reachable from the protected branch.", True),
    ("git.author", "string", "E-mail address of the author.", "ana@example.com"),
    ("git.committer", "string", "E-mail address of the committer.", "ana@example.com"),
    (
        "git.authors",
        "list",
        "Who wrote or committed each commit since what runs now.",
        ("ana@example.com", "tomas@example.com"),
    ),
    ("git.subject", "string", "First line of the commit message.", "Raise the price of coffee"),
    ("git.signed", "bool", "Whether its signature is good; unknown if it cannot be checked.", True),
    (
        "git.signature",
        "string",
        "State of the signature.",
        "good",
        ("good", "bad", "unknown", "none"),
    ),
    (
        "git.paths",
        "list",
        "Paths changed against what runs there now.",
        ("src/prices.py", "migrations/0042_price.sql"),
    ),
    ("git.files_changed", "int", "Files changed against what runs there now.", 2),
    ("git.insertions", "int", "Lines added against what runs there now.", 182),
    ("git.deletions", "int", "Lines removed against what runs there now.", 40),
    ("git.diff_lines", "int", "Lines added and removed together.", 222),
)
_POLICY: tuple[Row, ...] = (
    (
        "policy.name",
        "string",
        "Policy that a version is to be published or retired of.",
        "shop-production",
    ),
    ("policy.version", "int", "Number of that version.", 3),
    ("policy.in_force", "int", "Number of the version in force; 0 when none is.", 2),
    ("policy.mode", "string", "Mode of the document.", "enforce", ("enforce", "shadow", "off")),
    (
        "policy.projects",
        "list",
        "Patterns of the projects that it matches.",
        ("shop", "payments/**"),
    ),
    ("policy.readable", "bool", "Whether this version of the portal can read the document.", True),
    ("policy.tests", "int", "Tests in the document.", 4),
    ("policy.tests_failed", "list", "Names of the tests that fail.", ("a side branch is denied",)),
    ("policy.groups_missing", "list", "Groups it names that have no active member.", ("dba",)),
    ("policy.lines_added", "int", "Lines that it adds to what is in force.", 12),
    ("policy.lines_removed", "int", "Lines that it removes from what is in force.", 3),
    (
        "policy.backtest_seen",
        "bool",
        "Whether somebody read a backtest of it, or none is needed.",
        True,
    ),
    (
        "policy.authors",
        "list",
        "Who wrote it in git; empty when it was written here.",
        ("ana@example.com",),
    ),
)
_CLOCK: tuple[Row, ...] = (
    ("time.weekday", "string", "Day of the week in UTC.", "friday", _WEEKDAYS),
    ("time.hour", "int", "Hour of the day in UTC, 0 to 23.", 14),
    ("time.now", "string", "The moment of the verdict, RFC 3339 in UTC.", "2026-11-27T14:05:00Z"),
)
_FREEZES: tuple[Row, ...] = (
    (
        "ops.freeze",
        "bool",
        "Whether a freeze is in force there now, and no exception lifts it.",
        True,
    ),
    ("ops.freeze_reason", "string", "Why; empty when no freeze is in force.", "End of the quarter"),
    (
        "ops.freeze_ends_s",
        "int",
        "Time until freezes end; 0 when none is in force.",
        86400,
        "seconds",
    ),
    (
        "ops.freeze_exception",
        "string",
        "Exception that lifts a freeze now; empty when none.",
        "Fix of the payment outage",
    ),
    (
        "ops.next_freeze_s",
        "int",
        "Time until the next freeze begins; 63072000 (two years) when none begins before.",
        259200,
        "seconds",
    ),
    (
        "ops.next_freeze_reason",
        "string",
        "Why the next freeze comes; empty when none.",
        "End of the quarter",
    ),
    (
        "ops.business_hours",
        "bool",
        "Whether it is business hours there; unknown where none are.",
        True,
    ),
)


def _declare(rows: tuple[Row, ...], provenance: Provenance, source: str) -> Iterator[FactType]:
    for name, kind, description, example, *rest in rows:
        extra = rest[0] if rest else ()
        yield FactType(
            name=name,
            kind=kind,
            provenance=provenance,
            source=source,
            description=description,
            example=example,
            enumeration=extra if isinstance(extra, tuple) else (),
            unit=extra if isinstance(extra, str) else "",
        )


def _schema(*groups: Iterator[FactType]) -> Schema:
    return MappingProxyType({fact.name: fact for group in groups for fact in group})


_SCHEMAS: dict[str, Schema] = {
    "v1": _schema(
        _declare(_REQUEST, "attested", "request"),
        _declare(_REQUEST_CLAIMS, "claimed", "request"),
        _declare(_CLAIMS, "claimed", "claims"),
        _declare(_HISTORY, "attested", "history"),
        _declare(_GIT, "attested", "git"),
        _declare(_POLICY, "attested", "policy"),
        _declare(_CLOCK, "attested", "clock"),
        _declare(_FREEZES, "attested", "freezes"),
    )
}
SCHEMAS: Mapping[str, Schema] = MappingProxyType(_SCHEMAS)


def use_schema(name: str, schema: Schema) -> None:
    """Judge by `schema` wherever a document names it: for a process that checks files for a portal
    of another release, never for the portal itself."""
    _SCHEMAS[name] = schema
