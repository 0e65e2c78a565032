"""The bodies of calls: JSON only, capped, and any failure is an answer that says what to do."""

import orjson
from django.http import HttpRequest
from ninja.parser import Parser
from ninja.types import DictStrAny

from approvals.context.plans import MAX_PLAN, NotAPlan, parse_exactly
from portal.kernel.errors import Invalid, Refused, TooLarge

MAX_BODY = 64 * 1024  # without the plan
MAX_BODY_WITH_PLAN = MAX_BODY + MAX_PLAN
MAX_POLICY_BODY = 256 * 1024  # a document of 64 KiB can be three times as long in JSON
ASKING = frozenset({"/api/v1/requests", "/api/v1/gate"})
PLAN = "plan_json"


class Malformed(Refused):
    """The body is not JSON."""

    status = 400
    code = "malformed-json"


class WrongMedia(Refused):
    """Another content type than JSON."""

    status = 415
    code = "unsupported-media-type"


class JsonParser(Parser):
    """What ninja reads every body with."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        if request.content_type != "application/json":
            raise WrongMedia("Send the body as Content-Type: application/json.")
        if len(request.body) > (limit := _limit(request)):
            raise too_large(limit)
        try:
            found = orjson.loads(request.body)
        except orjson.JSONDecodeError as error:
            raise Malformed(f"The body is not valid JSON: {error}.") from None
        if not isinstance(found, dict):
            raise Invalid("The body must be a JSON object.")
        return _with_plan(request, found) if request.path in ASKING else found


def too_large(limit: int) -> TooLarge:
    """The refusal of a body over `limit` bytes."""
    return TooLarge(f"The body is over {limit} bytes. Send less.")


def _limit(request: HttpRequest) -> int:
    if request.path.startswith("/api/v1/policies/"):
        return MAX_POLICY_BODY
    may_have_plan = request.path in ASKING and f'"{PLAN}"'.encode() in request.body
    return MAX_BODY_WITH_PLAN if may_have_plan else MAX_BODY


def _with_plan(request: HttpRequest, found: DictStrAny) -> DictStrAny:
    """The body, its plan with the exact numbers, which the digest is made of."""
    if len(request.body) > MAX_BODY:
        rest = {name: value for name, value in found.items() if name != PLAN}
        if len(orjson.dumps(rest)) > MAX_BODY:
            raise TooLarge(f"The body without {PLAN} is over {MAX_BODY} bytes. Send less.")
    if PLAN not in found:
        return found
    try:
        return {**found, PLAN: parse_exactly(request.body)[PLAN]}
    except NotAPlan as error:
        raise Malformed(f"The body cannot be read: {error}.") from None
