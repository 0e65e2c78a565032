"""What the portal knows by itself: its past, its calendar, its policies, the time."""

from policies.language.vocabulary.fact import COMMIT, Row, group

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_HISTORY: tuple[Row, ...] = (
    (
        "running_commit",
        "string",
        "Commit that runs there now, as far as was reported.",
        COMMIT,
    ),
    ("running_since_s", "int", "How long it has been running.", 86400, "seconds"),
    ("last_success_age_s", "int", "Time since the last success there.", 86400, "seconds"),
    (
        "last_outcome",
        "string",
        "How the last permit there ended.",
        "succeeded",
        ("none", "succeeded", "failed", "lost"),
    ),
    ("deploys_7d", "int", "Permits there in the last seven days.", 12),
    ("failures_7d", "int", "Permits there in the last seven days that failed.", 1),
    ("first_time", "bool", "Whether nothing has run there before.", False),
    ("deploys_30d", "int", "Permits there in the last thirty days.", 48),
    (
        "lead_time_s",
        "int",
        "Median time from commit to success there in thirty days, of those measured.",
        14400,
        "seconds",
    ),
    (
        "failure_rate_30d",
        "double",
        "Share of the permits there that failed in thirty days.",
        0.08,
        "share, 0 to 1",
    ),
    (
        "restore_time_s",
        "int",
        "Median time there from the first failure to the next success in thirty days.",
        2700,
        "seconds",
    ),
)
_POLICY: tuple[Row, ...] = (
    (
        "name",
        "string",
        "Policy that a version is to be published or retired of.",
        "shop-production",
    ),
    ("version", "int", "Number of that version.", 3),
    ("in_force", "int", "Number of the version in force; 0 when none is.", 2),
    ("mode", "string", "Mode of the document.", "enforce", ("enforce", "shadow", "off")),
    (
        "projects",
        "list",
        "Patterns of the projects that it matches.",
        ("shop", "payments/**"),
    ),
    ("readable", "bool", "Whether this version of the portal can read the document.", True),
    ("tests", "int", "Tests in the document.", 4),
    ("tests_failed", "list", "Names of the tests that fail.", ("a side branch is denied",)),
    ("groups_missing", "list", "Groups it names that have no active member.", ("dba",)),
    ("lines_added", "int", "Lines that it adds to what is in force.", 12),
    ("lines_removed", "int", "Lines that it removes from what is in force.", 3),
    (
        "backtest_seen",
        "bool",
        "Whether somebody read a backtest of it, or none is needed.",
        True,
    ),
    (
        "authors",
        "list",
        "Who wrote it in git; empty when it was written here.",
        ("ana@example.com",),
    ),
)
_TIME: tuple[Row, ...] = (
    ("weekday", "string", "Day of the week in UTC.", "friday", _WEEKDAYS),
    ("hour", "int", "Hour of the day in UTC, 0 to 23.", 14),
    ("now", "string", "The moment of the verdict, RFC 3339 in UTC.", "2026-11-27T14:05:00Z"),
)
_OPS: tuple[Row, ...] = (
    (
        "freeze",
        "bool",
        "Whether a freeze is in force there now, and no exception lifts it.",
        True,
    ),
    ("freeze_reason", "string", "Why; empty when no freeze is in force.", "End of the quarter"),
    (
        "freeze_ends_s",
        "int",
        "Time until freezes end; 0 when none is in force.",
        86400,
        "seconds",
    ),
    (
        "freeze_exception",
        "string",
        "Exception that lifts a freeze now; empty when none.",
        "Fix of the payment outage",
    ),
    (
        "next_freeze_s",
        "int",
        "Time until the next freeze begins; 63072000 (two years) when none begins before.",
        259200,
        "seconds",
    ),
    (
        "next_freeze_reason",
        "string",
        "Why the next freeze comes; empty when none.",
        "End of the quarter",
    ),
    (
        "business_hours",
        "bool",
        "Whether it is business hours there; unknown where none are.",
        True,
    ),
)
_AUTHORS: tuple[Row, ...] = (
    (
        "unknown",
        "int",
        "Authors of the commits since what runs now whom the forge names and nobody here is linked "
        "to; each rule that asks people asks one more when there are any.",
        0,
    ),
)
GROUPS = (
    group("history", "What ran on the environment before, and how well.", _HISTORY),
    group("policy", "The policy version that a request is about.", _POLICY),
    group("authors", "Whom of those that the forge names the portal knows.", _AUTHORS),
    group("time", "The moment of the verdict.", _TIME),
    group("ops", "The calendar: freezes and business hours.", _OPS),
)
