"""What the generated OpenAPI document lacks: examples, headers, and answers that are not JSON."""

from typing import Any

from approvals.ci.examples import BODIES, GATE_REFUSALS, IDEMPOTENCY_KEY, REFUSALS, TEXTS
from approvals.ci.problems import CODES, CONTENT_TYPE, RETRY_AFTER, problem_body

_HEADERS = {
    "Location": "The address of the request; of the gate itself with 307.",
    "Countersign-Version": "The version of the request: what to wait `after`.",
    "Countersign-Request": "The id of the request.",
    "Countersign-Page": "The page of the request, for people.",
    "WWW-Authenticate": "Bearer, as RFC 6750 says.",
    "Retry-After": f"After how many seconds to try again: {RETRY_AFTER}.",
}
_STRING = {"type": "string"}
_EVERYWHERE = {401: ("WWW-Authenticate",), 503: ("Retry-After",)}
_SENT = {
    ("submit", 200): ("Location",),
    ("submit", 201): ("Location",),
    ("read", 200): ("Countersign-Version",),
    ("gate", 307): ("Location", "Countersign-Request", "Countersign-Page"),
}


def describe(document: Any) -> Any:
    """Complete the document in place and return it."""
    for path in document["paths"].values():
        for operation in path.values():
            _show_body(operation.get("requestBody", {}))
            for status, response in operation["responses"].items():
                _complete(response, operation["operationId"], int(status))
            _require_key(operation)
    return document


def _complete(response: dict[str, Any], name: str, status: int) -> None:
    if status >= 400:
        _as_problem(response, status, of_gate=name == "gate")
    else:
        _show_body(response)
    if (name, status) in TEXTS:
        media, text = TEXTS[name, status]
        response.setdefault("content", {})[media] = _text(text)
    headers = _EVERYWHERE.get(status, ()) + _SENT.get((name, status), ())
    if headers:
        response["headers"] = {
            header: {"description": _HEADERS[header], "required": True, "schema": _STRING}
            for header in headers
        }


def _text(example: str) -> dict[str, Any]:
    return {"schema": _STRING, "example": example}


def _show_body(part: dict[str, Any]) -> None:
    for media in part.get("content", {}).values():
        media["example"] = BODIES[media["schema"]["$ref"].rpartition("/")[2]]


def _as_problem(response: dict[str, Any], status: int, *, of_gate: bool) -> None:
    """One example for each code that has this status."""
    rows = [*REFUSALS.items(), *(GATE_REFUSALS.items() if of_gate else ())]
    values = {
        code: problem_body(status, code, detail, **extra)
        for code, (own, detail, extra) in rows
        if own == status
    }
    examples = {c: {"summary": CODES[c], "value": value} for c, value in values.items()}
    content = response["content"]
    content[CONTENT_TYPE] = {**content.pop("application/json"), "examples": examples}
    if of_gate:
        first = next(iter(values.values()))
        content["text/plain"] = _text(f"no {first['code']}: {first['detail']}\n")


def _require_key(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["name"] == "Idempotency-Key":
            parameter["schema"] = {"type": "string", "pattern": "^[!-~]{1,200}$"}
            parameter["example"] = IDEMPOTENCY_KEY
            parameter["required"] = operation["operationId"] == "submit"
