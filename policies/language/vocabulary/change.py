"""What is changed: the commit, its checks, its pull request, and what it brings along."""

from policies.language.vocabulary.fact import COMMIT, DIGEST, Row, group

_CI_STATES = ("success", "failure", "pending", "none")

_GIT: tuple[Row, ...] = (
    ("exists", "bool", "Whether the repository has the commit.", True),
    ("head", "string", "Tip of the protected branch.", COMMIT),
    ("is_head", "bool", "Whether the commit is that tip.", True),
    ("on_branch", "bool", "Whether the commit is reachable from the protected branch.", True),
    ("author", "string", "E-mail address of the author.", "ana@example.com"),
    ("committer", "string", "E-mail address of the committer.", "ana@example.com"),
    (
        "authors",
        "list",
        "Who wrote or committed each commit since what runs now.",
        ("ana@example.com", "tomas@example.com"),
    ),
    ("subject", "string", "First line of the commit message.", "Raise the price of coffee"),
    (
        "committed_at",
        "string",
        "When it was committed, as the commit says; RFC 3339 in UTC.",
        "2026-11-27T09:12:00Z",
    ),
    ("signed", "bool", "Whether its signature is good; unknown if it cannot be checked.", True),
    (
        "signature",
        "string",
        "State of the signature.",
        "good",
        ("good", "bad", "unknown", "none"),
    ),
    (
        "paths",
        "list",
        "Paths changed against what runs there now.",
        ("src/prices.py", "migrations/0042_price.sql"),
    ),
    ("files_changed", "int", "Files changed against what runs there now.", 2),
    ("insertions", "int", "Lines added against what runs there now.", 182),
    ("deletions", "int", "Lines removed against what runs there now.", 40),
    ("diff_lines", "int", "Lines added and removed together.", 222),
    (
        "stat",
        "list",
        "Each file changed against what runs there now: lines added, lines removed, its path.",
        ("170 40 src/prices.py", "12 0 migrations/0042_price.sql"),
    ),
    (
        "commits",
        "list",
        "Commits since what runs there now, newest first: id, address of the author, first line.",
        ("9f3c1ab70d4e ana@example.com Raise the price of coffee",),
    ),
    (
        "author_ids",
        "list",
        "Accounts at the forge of who wrote each commit since what runs now.",
        ("github:583231",),
    ),
    (
        "committer_ids",
        "list",
        "Accounts at the forge of who committed each commit since what runs now.",
        ("github:583231",),
    ),
    (
        "author_accounts",
        "list",
        "Who wrote each commit since what runs now: account at the forge (or -), and address.",
        ("github:583231 ana@example.com",),
    ),
    ("branch_protected", "bool", "Whether the forge protects the branch.", True),
    ("url", "string", "Page of the commit at the forge.", f"https://forge.example/c/{COMMIT}"),
    ("message", "string", "Whole commit message.", "Raise the price of coffee"),
)
_CI: tuple[Row, ...] = (
    ("state", "string", "State of all checks of the commit together.", "success", _CI_STATES),
    ("failed", "list", "Names of the checks that failed.", ("lint", "e2e")),
    ("pending", "list", "Names of the checks that still run.", ("e2e",)),
    ("passed", "list", "Names of the checks that passed.", ("unit", "lint")),
    ("total", "int", "How many checks the commit has.", 12),
    (
        "started_by",
        "list",
        "Accounts at the forge of who pushed or started the run that asks.",
        ("github:583231",),
    ),
    (
        "checks",
        "list",
        "State, page at the forge (or -) and name of each check.",
        ("passed https://forge.example/runs/81 unit",),
    ),
)
_PR: tuple[Row, ...] = (
    ("number", "int", "Number of the pull request that brought the commit.", 214),
    ("title", "string", "Its title.", "Raise the price of coffee"),
    ("author", "string", "Account at the forge of who opened it.", "github:583231"),
    ("approvals", "int", "People whose last review of its last commit approves.", 2),
    ("approvers", "list", "Accounts at the forge of those people.", ("github:583231",)),
    (
        "changes_requested",
        "list",
        "Accounts at the forge of reviewers whose last review asks for changes.",
        ("github:9919",),
    ),
    (
        "review_state",
        "string",
        "What its reviews say together.",
        "approved",
        ("approved", "changes_requested", "pending", "none"),
    ),
    ("merged", "bool", "Whether it is merged.", True),
    ("base", "string", "Branch that it is for.", "main"),
    ("labels", "list", "Its labels.", ("hotfix",)),
    ("url", "string", "Its page at the forge.", "https://forge.example/shop/pull/214"),
)
_MIGRATION: tuple[Row, ...] = (
    ("files", "list", "Migrations that the change touches.", ("migrations/0042_price.sql",)),
    (
        "drops",
        "list",
        "What in them takes data or a guarantee away.",
        ("migrations/0042_price.sql: ALTER TABLE price DROP COLUMN old_amount",),
    ),
    (
        "locks",
        "list",
        "What in them keeps others waiting while rows are read or written again.",
        ("migrations/0042_price.sql: CREATE INDEX by_day ON price (day)",),
    ),
    (
        "unreadable",
        "list",
        "What in them cannot be told.",
        ("migrations/0043_fill.py: SQL made at run time: cursor.execute(statement)",),
    ),
)
_IMAGE: tuple[Row, ...] = (
    ("digest", "string", "Digest of the image in the registry.", DIGEST),
    ("signed", "bool", "Whether a signature of it was verified.", True),
    ("signer", "string", "Who signed it.", "https://forge.example/shop/release.yml"),
    (
        "provenance",
        "string",
        "State of the statement of how it was built.",
        "verified",
        ("verified", "unverified", "none"),
    ),
    ("builder", "string", "Who built it, by that statement.", "https://forge.example/runner"),
    ("source_commit", "string", "Commit that it was built from, by that statement.", COMMIT),
)
GROUPS = (
    group("git", "The commit, who made it, and what differs from what runs there now.", _GIT),
    group("ci", "The checks of the commit, as the forge tells them.", _CI),
    group("pr", "The pull request that brought the commit, as the forge tells it.", _PR),
    group("migration", "Changes of the database that come with the commit.", _MIGRATION),
    group("image", "The container image that is named, as its registry tells it.", _IMAGE),
)
