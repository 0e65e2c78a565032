"""The OpenAPI document says what the server does."""

import json
import re

import pytest
from django.test import Client

from approvals.ci import policy_schemas, schemas
from approvals.ci.examples import REFUSALS
from approvals.ci.problems import CODES
from portal.kernel.errors import Refused
from tests.api import body, call, code, post, redeem
from tests.factories import ask, decide

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@pytest.fixture(scope="module")
def document():
    answer = Client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_it_is_an_openapi_3_1_document(document):
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"]["title"]
    assert document["info"]["version"]
    assert document["servers"][0]["url"].startswith("http")
    assert document["components"]["securitySchemes"]
    for path, method, operation in operations(document):
        assert path.startswith("/api/v1/")
        assert method in METHODS
        assert operation["summary"]
        # A workload brings its own proof in the body.
        assert bool(operation.get("security")) is (operation["operationId"] != "token")
    names = [operation["operationId"] for *_, operation in operations(document)]
    assert len(names) == len(set(names)) == 13


def test_every_reference_leads_somewhere(document):
    for reference in set(references(document)):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_every_parameter_of_an_address_is_declared(document):
    for path, _, operation in operations(document):
        declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path))


def test_every_refusal_is_documented_as_a_problem(document):
    for _, _, operation in operations(document):
        for status in ("401", "403", "404", "422"):
            media = set(operation["responses"][status]["content"])
            line = {"text/plain"} if operation["operationId"] == "gate" else set()
            assert media == {"application/problem+json"} | line


def test_the_key_of_submit_is_documented_as_required(document):
    submit = document["paths"]["/api/v1/requests"]["post"]
    (key,) = [p for p in submit["parameters"] if p["name"] == "Idempotency-Key"]
    assert key["required"]
    assert key["in"] == "header"


def parts(document):
    """Every body and answer: the operation's name, the status (0: what is sent), the media type."""
    for _, _, operation in operations(document):
        places = {"0": operation.get("requestBody", {}), **operation["responses"]}
        for status, place in places.items():
            for media, content in place.get("content", {}).items():
                yield operation["operationId"], int(status), media, content


def examples(content):
    return [content["example"]] if "example" in content else [
        one["value"] for one in content["examples"].values()
    ]  # fmt: skip


def members(value):
    """Which members there are, whatever their values."""
    if isinstance(value, dict):
        return {name: members(inner) for name, inner in value.items()}
    return [members(value[0])] if isinstance(value, list) and value else None


def test_every_body_and_answer_has_an_example_of_its_schema(document):
    for name, status, media, content in parts(document):
        found = examples(content)
        assert found, (name, status, media)
        if media.startswith("text/"):
            assert content["schema"] == {"type": "string"}
            assert all(isinstance(text, str) and text.endswith("\n") for text in found)
            continue
        named = content["schema"]["$ref"].rpartition("/")[2]
        model = getattr(schemas, named, None) or getattr(policy_schemas, named)
        for value in found:
            model.model_validate_json(json.dumps(value))
            assert set(value) <= set(model.model_fields)


def test_every_answer_of_the_contract_is_documented(document):
    for name, responses in ((o["operationId"], o["responses"]) for *_, o in operations(document)):
        for status, response in responses.items():
            assert response.get("content"), (name, status)
    media = {(name, status): set() for name, status, *_ in parts(document)}
    for name, status, kind, _ in parts(document):
        media[name, status].add(kind)
    assert media["gate", 200] == {"application/json", "text/plain"}
    assert media["gate", 307] == {"text/plain"}
    assert media["gate", 403] == {"application/problem+json", "text/plain"}
    assert media["stream", 200] == {"text/event-stream"}


def test_every_error_has_examples_of_its_own_status(document):
    shown = set()
    for name, status, media, content in parts(document):
        if media == "application/problem+json":
            for key, one in content["examples"].items():
                assert (one["value"]["status"], one["value"]["code"]) == (status, key), name
                assert (one["summary"], one["value"]["title"]) == (CODES[key], CODES[key])
                shown.add(key)
    assert shown == set(REFUSALS) == set(CODES) - {"method-not-allowed", "rate-limited"}


def test_the_examples_have_the_status_that_is_raised():
    pending, checked = [Refused], set()
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if kind.code in REFUSALS and not kind.__module__.startswith("tests."):
            assert kind.status == REFUSALS[kind.code][0], kind
            checked.add(kind.code)
    assert len(checked) > 12


def test_the_examples_have_the_members_of_real_answers(document, who):
    of = {(n, s): examples(c)[-1] for n, s, m, c in parts(document) if m == "application/json"}
    asked = post(who.secret, {**of["submit", 0], "claims": {}})
    real, example = asked.json(), of["submit", 201]
    request = ask(who)
    decide(request, who.alice)
    given = redeem(who.secret, request)
    assert real.keys() == example.keys()
    for name in ("verdict", "waiting_for"):
        assert members(real[name]) == members(example[name])
    assert members(given.json()) == members(of["redeem", 200])


def test_the_documented_headers_are_sent(document, who):
    asked = post(who.secret, body())
    path = f"/requests/{asked.json()['id']}"
    answers = {
        ("submit", 201): asked,
        ("submit", 401): post("cst_0", body()),
        ("read", 200): call(who.secret, "get", path),
        ("gate", 307): call(who.secret, "post", "/gate", body()),
        ("stream", 503): call(who.secret, "get", f"{path}/stream"),
    }
    of = {o["operationId"]: o["responses"] for *_, o in operations(document)}
    for (name, status), answer in answers.items():
        assert answer.status_code == status
        documented = of[name][str(status)]["headers"]
        assert documented
        for header in documented:
            assert header in answer.headers
        for header in answer.headers:
            ours = header.startswith("Countersign-") or header in {"Location", "Retry-After"}
            assert not ours or header in documented, header


def test_the_limits_of_waiting_are_documented(document, who):
    read = document["paths"]["/api/v1/requests/{request_id}"]["get"]
    limits = {p["name"]: p["schema"] for p in read["parameters"]}
    assert (limits["wait"]["minimum"], limits["wait"]["maximum"]) == (0, 60)
    assert limits["after"]["minimum"] == 0


def test_what_a_conflict_tells_is_documented(document, who):
    request = ask(who)
    found = redeem(who.secret, request).json()
    assert (found["status"], found["request_status"], found["round"]) == (409, "pending", 1)
    assert set(found) <= set(document["components"]["schemas"]["Problem"]["properties"])
    assert "drift" in document["components"]["schemas"]["Problem"]["properties"]


def test_unknown_fields_are_documented_as_refused(document):
    for name in (
        "RequestIn",
        "SubjectIn",
        "RunIn",
        "RedeemIn",
        "FinishIn",
        "WithdrawIn",
        "CheckIn",
        "ExplainIn",
    ):
        assert document["components"]["schemas"][name]["additionalProperties"] is False


def test_every_documented_operation_answers(document, who):
    """Without a token 401, where one is needed; with one, something documented."""
    request = ask(who)
    for path, method, operation in operations(document):
        address = path.replace("{request_id}", str(request.id))
        address = address.replace("{permit_id}", str(request.id))
        bare = getattr(Client(), method)(address)
        if operation.get("security"):
            assert (bare.status_code, code(bare)) == (401, "unauthenticated"), path
        answer = getattr(Client(), method)(
            address, HTTP_AUTHORIZATION=f"Bearer {who.secret}", content_type="application/json"
        )
        assert str(answer.status_code) in operation["responses"], (path, answer.status_code)


@pytest.mark.parametrize(
    "address",
    ["/api/", "/api/v1/", "/api/v1/nothing", "/api/v2/requests", "/api/v1/requests/"],
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_addresses_that_are_not_there_answer_with_a_problem(db, address, method):
    answer = getattr(Client(), method)(address)
    assert (answer.status_code, code(answer)) == (404, "not-found")
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("get", "/api/v1/requests", "POST"),
        ("delete", "/api/v1/requests", "POST"),
        ("get", "/api/v1/gate", "POST"),
        ("put", "/api/v1/requests/01a20ae7-5406-70fd-bb79-97d5d69526cb", "GET"),
        ("get", "/api/v1/requests/01a20ae7-5406-70fd-bb79-97d5d69526cb/redeem", "POST"),
    ],
)
def test_another_method_answers_with_a_problem_and_the_right_ones(db, method, address, allowed):
    answer = getattr(Client(), method)(address)
    assert (answer.status_code, code(answer)) == (405, "method-not-allowed")
    assert answer["Allow"] == allowed


def test_the_browsable_page_is_there(db):
    answer = Client().get("/api/v1/docs")
    assert answer.status_code == 200
    assert "/api/v1/openapi.json" in answer.content.decode()


def test_the_public_keys_are_those_that_sign(who):
    (key,) = Client().get("/.well-known/countersign/keys.json").json()["keys"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    assert (key["purpose"], key["status"]) == ("permit", "active")
    assert "d" not in key
