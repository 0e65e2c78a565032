"""A directory as it calls the portal."""

import json
from typing import Any

from django.test import Client

from portal.scim.models import Directory

BASE = "/scim/v2"


class Caller:
    """Sends what an identity provider sends; `status` is of the last answer."""

    def __init__(self, directory: Directory, secret: str) -> None:
        self.directory, self.secret = directory, secret
        self.client = Client(raise_request_exception=False)

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        sent = body if isinstance(body, str) else json.dumps(body)
        answer = self.client.generic(
            method,
            BASE + path,
            data="" if body is None else sent,
            content_type="application/scim+json",
            query_params=query or None,
            headers={"Authorization": f"Bearer {self.secret}"},
        )
        self.status, self.headers = answer.status_code, answer.headers
        return json.loads(answer.content) if answer.content else None

    def get(self, path: str, **query: str) -> Any:
        return self.call("GET", path, **query)

    def post(self, path: str, body: Any) -> Any:
        return self.call("POST", path, body)

    def put(self, path: str, body: Any) -> Any:
        return self.call("PUT", path, body)

    def patch(self, path: str, *operations: dict[str, Any]) -> Any:
        schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
        return self.call("PATCH", path, {"schemas": [schema], "Operations": list(operations)})

    def delete(self, path: str) -> Any:
        return self.call("DELETE", path)
