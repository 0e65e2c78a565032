"""What the generated OpenAPI document lacks: examples of errors, and headers that are required."""

from typing import Any

_PROBLEM = {
    "type": "https://countersign.example/api/v1/problems#not-approved",
    "title": "There is nothing to redeem.",
    "status": 409,
    "code": "not-approved",
    "detail": "This request is pending: there is nothing to redeem.",
}


def describe(document: Any) -> Any:
    """Complete the document in place and return it."""
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation.get("responses", {}).items():
                if int(status) >= 400:
                    _as_problem(response)
            _require_key(operation)
    return document


def _as_problem(response: dict[str, Any]) -> None:
    content = response.get("content", {})
    if "application/json" in content:
        body = content.pop("application/json")
        content["application/problem+json"] = {**body, "example": _PROBLEM}


def _require_key(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["name"] == "Idempotency-Key" and operation["operationId"] == "submit":
            parameter["required"] = True
            parameter["schema"] = {"type": "string", "pattern": "^[!-~]{1,200}$"}
            parameter["example"] = "8812-1-production-deploy"
