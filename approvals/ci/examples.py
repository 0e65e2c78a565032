"""An example of everything the API takes and answers: one release, from the question to its end."""

from typing import Any

from django.conf import settings

from approvals.context.plans import plan_digest

_COMMIT = "9f3c1ab" + "0" * 33
_ID = "01a20ff0-ac36-74fa-b666-2bdf9b68a957"
_DIGEST = "sha256:306ec312afcfff28025e67a682ac18c81e4f41bea02119394ec17beb0ea3f1f0"
_ENVELOPE = {
    "payloadType": "application/vnd.in-toto+json",
    "payload": "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==",
    "signatures": [{"keyid": "be7a299b" * 8, "sig": "MEUCIHLNEp+T74Jqwc5feS2BoYeP"}],
}
_PERMIT_ID = "01a20ff0-ad6e-7509-8547-3009dea556b3"
_UNTIL = "2026-03-02T10:20:41.985672Z"
_ASKS = "shop/production-lead: asks for 1 approval from team-leads."
_SUMMARY = "Waiting for 1 approval from team-leads."
_NO = "Denied by shop/never-testing: Nothing runs on testing."
_RUN = {"id": "8812", "attempt": 1}
_SUBJECT = {"commit": _COMMIT, "ref": "refs/heads/main"}
_POLICY = {"policy": "shop", "version": 4}

PLAN = {
    "format_version": "1.2",
    "terraform_version": "1.11.4",
    "planned_values": {"root_module": {}},
    "resource_changes": [
        {
            "address": "aws_db_instance.main",
            "mode": "managed",
            "type": "aws_db_instance",
            "name": "main",
            "change": {
                "actions": ["delete", "create"],
                "before": {"allocated_storage": 20},
                "after": {"allocated_storage": 50},
            },
        }
    ],
    "timestamp": "2026-03-02T10:11:58Z",
}
_PLAN_DIGEST = plan_digest(PLAN)

_PERMIT = {
    "id": _PERMIT_ID,
    "status": "issued",
    "issued_at": "2026-03-02T10:15:41.985672Z",
    "expires_at": _UNTIL,
    "heartbeat_seconds": 30,
}

DOCUMENT = """\
policy: shop
facts: v1
match: {projects: [shop], environments: ["*"], actions: [deploy]}
rules:
  - id: production-lead
    when: request.environment == 'production'
    require: {count: 1, from: [team-leads]}
default: {require: {count: 1, from: [team-leads]}}
tests:
  - name: production needs a lead
    given: {request.environment: production}
    expect: {verdict: review, because: [production-lead]}
"""

_VERDICT = {
    "outcome": "review",
    "explanation": [_ASKS],
    "rules": [
        {
            **_POLICY,
            "rule": "production-lead",
            "effect": "require",
            "level": "hard",
            "result": "applies",
            "sentence": _ASKS,
            "remedy": "1 approval from team-leads.",
        }
    ],
    "risk": "medium",
    "policies": [{**_POLICY, "digest": "sha256:" + "0e13b462" * 8}],
}

IDEMPOTENCY_KEY = "8812-1-production-deploy"

# By the name of the schema.
BODIES: dict[str, dict[str, Any]] = {
    "RequestIn": {
        "project": "shop",
        "environment": "production",
        "action": "deploy",
        "subject": _SUBJECT,
        "run": {**_RUN, "actor": "ana"},
        "reason": "Release 4.18.2",
        "labels": ["release"],
        "claims": {"tests.passed": True},
    },
    "WorkloadIn": {"project": "shop", "token": "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIifQ.c2lnbmVk"},
    "RunTokenOut": {
        "token": "cst_3f0a4be1d07c_" + "9f3c1ab4" * 8,
        "expires_at": "2026-03-02T16:12:40.694124Z",
        "run": _RUN,
    },
    "RedeemIn": {"run": _RUN, "digest": _DIGEST},
    "WithdrawIn": {"run": _RUN, "reason": "The run was cancelled."},
    "HeartbeatIn": {"run": _RUN},
    "FinishIn": {"run": _RUN, "outcome": "succeeded", "exit_code": 0},
    "RequestOut": {
        "id": _ID,
        "number": 214,
        "status": "pending",
        "version": 2,
        "round": 1,
        "digest": _DIGEST,
        "url": f"{settings.PUBLIC_URL}/requests/{_ID}",
        "project": "shop",
        "environment": "production",
        "action": "deploy",
        "subject": _SUBJECT,
        "run": {**_RUN, "actor": "ana"},
        "created_at": "2026-03-02T10:12:40.694124Z",
        "decide_by": "2026-03-03T10:12:40.725031Z",
        "use_by": None,
        "summary": _SUMMARY,
        "verdict": _VERDICT,
        "waiting_for": [
            {
                "policy": "shop",
                "rule": "production-lead",
                "groups": ["team-leads"],
                "waits_for": ["team-leads"],
                "needed": 1,
                "given": 0,
            }
        ],
        "decisions": [],
        "drift": [],
        "permit": None,
    },
    "RedeemOut": {
        "permit": _PERMIT,
        "receipt": _ENVELOPE,
        "simple_result": _ENVELOPE,
    },
    "PermitAnswer": {"permit": {**_PERMIT, "status": "used"}},
    "FactsOut": {
        "version": "v1",
        "facts": [
            {
                "name": "history.last_outcome",
                "kind": "string",
                "provenance": "attested",
                "group": "history",
                "meaning": "How the last permit there ended.",
                "unit": "",
                "enumeration": ["none", "succeeded", "failed", "lost"],
                "example": "succeeded",
            }
        ],
        "families": [
            {
                "name": "metric",
                "kind": "double",
                "meaning": "Number that a connection reads.",
                "example": 0.012,
            }
        ],
    },
    "CheckIn": {"document": DOCUMENT},
    "CheckOut": {
        "ok": False,
        "policy": "shop",
        "digest": _DIGEST,
        "problems": [],
        "groups": [
            {
                "line": 7,
                "column": 31,
                "message": "The approver group “team-leads” has no active member.",
            }
        ],
        "tests": [
            {
                "name": "production needs a lead",
                "line": 10,
                "column": 5,
                "passed": True,
                "verdict": "review",
                "because": ["production-lead"],
                "differences": [],
            }
        ],
    },
    "ExplainIn": {"document": DOCUMENT, "request": 214},
    "BacktestIn": {"document": DOCUMENT, "last": 200},
    "BacktestOut": {
        "ok": True,
        "problems": [],
        "replayed": 200,
        "touched": 40,
        "people_then": 38,
        "people_now": 39,
        "changes": [
            {"old": "allow", "new": "review", "shift": "", "count": 1},
            {"old": "review", "new": "review", "shift": "", "count": 39},
        ],
        "changed": [
            {
                "request": "01a20feb-cdb8-7149-b8fe-837e3c4b2e35",
                "url": "https://countersign.example/requests/01a20feb-cdb8-7149-b8fe-837e3c4b2e35",
                "old": "allow",
                "new": "review",
                "shift": "",
                "looser": False,
                "people_then": 0,
                "people_now": 1,
                "unsure": False,
            }
        ],
        "rules": [{"rule": "default", "applies": 40, "cannot_tell": 0}],
        "missing": {},
    },
    "ExplainOut": {"ok": True, "problems": [], "matches": True, "verdict": _VERDICT},
}

# By operation and status: what is not JSON.
TEXTS: dict[tuple[str, int], tuple[str, str]] = {
    ("gate", 200): ("text/plain", f"go permit {_PERMIT_ID} until {_UNTIL}\n"),
    ("gate", 307): ("text/plain", f"{_SUMMARY}\n"),
    ("gate", 403): ("text/plain", f"no denied: {_NO}\n"),
    ("stream", 200): (
        "text/event-stream",
        f'id: 2\nevent: request\ndata: {{"id":"{_ID}","version":2}}\n\n',
    ),
}

# By code: the status, a sentence, and further members.
REFUSALS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "malformed-json": (400, "The body is not valid JSON: unexpected end of data.", {}),
    "bad-header": (
        400,
        "Send an Idempotency-Key header: 1 to 200 visible ASCII characters.",
        {},
    ),
    "unauthenticated": (401, "This project token is not known here.", {}),
    "token-expired": (401, "This project token has expired. Ask a maintainer for a new one.", {}),
    "token-used": (401, "This workload token was used already.", {}),
    "untrusted": (401, "No trust of a project “shop” is for the issuer of this token.", {}),
    "forbidden": (403, "This token may not do this.", {}),
    "missing-scope": (403, "This token lacks the scope “request”. Issue one that has it.", {}),
    "foreign-environment": (403, "This token may not ask for this environment.", {}),
    "another-run": (403, "Another run made this request.", {}),
    "not-found": (404, "There is no such request in the project of this token.", {}),
    "idempotency-mismatch": (409, "This Idempotency-Key was used for another request.", {}),
    "not-approved": (
        409,
        "This request is pending: there is nothing to redeem.",
        {"request_status": "pending", "round": 1},
    ),
    "drift": (
        409,
        "Not any more what was approved: git.head changed.",
        {
            "request_status": "pending",
            "round": 2,
            "drift": [{"fact": "git.head", "old": _COMMIT, "new": "4be1d07" + "0" * 33}],
        },
    ),
    "illegal-state": (409, "This permit is expired already.", {}),
    "already-running": (409, "Another process of this run attempt began already.", {}),
    "archived": (409, "The environment production is archived. Restore it first.", {}),
    "expired": (410, "This request expired, or its approval was not used in time. Ask again.", {}),
    "too-large": (413, "The body is over 65536 bytes. Send less.", {}),
    "unsupported-media-type": (415, "Send the body as Content-Type: application/json.", {}),
    "invalid": (
        422,
        "environment: field required",
        {"errors": [{"field": "environment", "message": "field required"}]},
    ),
    "plan-mismatch": (
        422,
        f"subject.plan must be the digest of plan_json, {_PLAN_DIGEST}.",
        {
            "errors": [
                {
                    "field": "subject.plan",
                    "message": f"must be the digest of plan_json, {_PLAN_DIGEST}",
                }
            ]
        },
    ),
    "no-eligible-approver": (422, "Nobody may give an approval that shop asks for.", {}),
    "internal": (
        500,
        "The portal failed. Try again, or tell its operators what `instance` says.",
        {"instance": "urn:uuid:01a20feb-cdb8-7149-b8fe-837e3c4b2e35"},
    ),
    "broken-policy": (503, "The policy shop 4 is not the document that was saved.", {}),
    "unavailable": (503, "The portal's database does not answer. Try again.", {}),
}

# What the gate alone answers: it looks and redeems in one call.
GATE_REFUSALS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "not-approved": (403, _NO, {"request_status": "denied"}),
}
