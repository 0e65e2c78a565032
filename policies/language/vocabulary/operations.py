"""How the running system is, as other systems tell it."""

from policies.language.vocabulary.fact import COMMIT, Row, group

_DEPLOYMENT_STATES = ("success", "failure", "pending", "inactive", "none")

_DEPLOYMENT: tuple[Row, ...] = (
    ("sha", "string", "Commit of the last deployment.", COMMIT),
    ("state", "string", "State of the last deployment.", "success", _DEPLOYMENT_STATES),
    ("age_s", "int", "Time since the last deployment.", 86400, "seconds"),
    ("by", "string", "Account at the forge of who deployed.", "github:583231"),
)
_ALERTS: tuple[Row, ...] = (
    ("firing", "list", "Names of the alerts that fire.", ("HighErrorRate",)),
    ("count", "int", "How many alerts fire.", 1),
    ("worst", "string", "Worst severity of those; empty when none fires.", "critical"),
)
_INCIDENT: tuple[Row, ...] = (
    ("open", "list", "Incidents that are open.", ("INC-4711 Payments are slow",)),
    ("count", "int", "How many incidents are open.", 1),
    ("worst", "string", "Worst severity of those; empty when none is open.", "sev1"),
    (
        "oldest_age_s",
        "int",
        "Time since the oldest of them began; 0 when none is open.",
        5400,
        "seconds",
    ),
)
_ONCALL: tuple[Row, ...] = (
    ("now", "list", "E-mail addresses of those who are on call now.", ("ana@example.com",)),
)
GROUPS = (
    group("deployment", "The last deployment there, as the forge tells it.", _DEPLOYMENT),
    group("alerts", "Alerts that fire now.", _ALERTS),
    group("incident", "Incidents that are open now.", _INCIDENT),
    group("oncall", "Who is on call now.", _ONCALL),
)
