"""What is asked for, and what only the caller says about it."""

from policies.language.vocabulary.fact import COMMIT, DIGEST, Row, group

_TIERS = ("production", "staging", "testing", "development")

_REQUEST: tuple[Row, ...] = (
    ("project", "string", "Project the request is for.", "shop"),
    ("environment", "string", "Environment the action is done to.", "production"),
    ("tier", "string", "Tier of that environment.", "production", _TIERS),
    ("action", "string", "Action asked for, for example deploy.", "deploy"),
    (
        "commit",
        "string",
        "Commit the action is done with; empty when none was named.",
        COMMIT,
    ),
    (
        "ref",
        "string",
        "Full ref the run was started from; empty when none was named.",
        "refs/heads/main",
    ),
    ("artifact", "string", "Digest of the artifact; empty when none was named.", DIGEST),
    ("plan", "string", "Digest of the plan; empty when none was named.", DIGEST),
    ("run_attempt", "int", "Attempt of the run that asks, from 1.", 1),
)
_REQUEST_CLAIMS: tuple[Row, ...] = (
    (
        "labels",
        "list",
        "Labels the caller put on the request; empty when none.",
        ("hotfix",),
    ),
    ("actor", "string", "Who started the run, as the caller says.", "ana"),
    ("reason", "string", "Reason given by the caller; empty when none.", "Release 4.18.2"),
    ("system", "string", "CI system of the run, for example gitlab.", "gitlab"),
    ("pipeline", "string", "Pipeline of the run.", "deploy"),
    ("job", "string", "Job of the run.", "deploy:production"),
)
_TESTS: tuple[Row, ...] = (("passed", "bool", "Whether the tests passed.", True),)
_DEPLOY: tuple[Row, ...] = (
    ("canary_error_rate", "double", "Error rate of the canary.", 0.012, "share, 0 to 1"),
    ("baseline_error_rate", "double", "Error rate beside the canary.", 0.004, "share, 0 to 1"),
)
_TERRAFORM: tuple[Row, ...] = (
    ("adds", "int", "Resources that the plan adds.", 3),
    ("changes", "int", "Resources that it changes in place, imports or forgets.", 2),
    ("destroys", "int", "Resources that it destroys; those that it replaces among them.", 1),
    ("replaces", "int", "Resources that it destroys and makes anew.", 1),
    (
        "resource_types",
        "list",
        "Types of all resources that it touches.",
        ("aws_db_instance", "aws_iam_role"),
    ),
    (
        "destroyed",
        "list",
        "Addresses of the resources that it destroys or replaces.",
        ("module.shop.aws_db_instance.main",),
    ),
    ("sensitive_outputs", "bool", "Whether an output changes that is marked sensitive.", False),
    ("plan_digest", "string", "Digest of the plan that was read.", DIGEST),
)
GROUPS = (
    group("request", "What is asked for, where, and who asks.", _REQUEST, _REQUEST_CLAIMS),
    group("tests", "What the pipeline says of its tests.", claimed=_TESTS),
    group("deploy", "What the pipeline says of its canary.", claimed=_DEPLOY),
    group("terraform", "What the pipeline says of its plan.", claimed=_TERRAFORM),
)
