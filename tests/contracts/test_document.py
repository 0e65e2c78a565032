"""The OpenAPI document says what the server does."""

import re

import pytest
from django.test import Client

from tests.api import code
from tests.factories import ask

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
        assert operation["security"]
    names = [operation["operationId"] for *_, operation in operations(document)]
    assert len(names) == len(set(names)) == 8


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
            assert set(operation["responses"][status]["content"]) == {"application/problem+json"}


def test_the_key_of_submit_is_documented_as_required(document):
    submit = document["paths"]["/api/v1/requests"]["post"]
    (key,) = [p for p in submit["parameters"] if p["name"] == "Idempotency-Key"]
    assert key["required"]
    assert key["in"] == "header"


def test_unknown_fields_are_documented_as_refused(document):
    for name in ("RequestIn", "SubjectIn", "RunIn", "RedeemIn", "FinishIn", "WithdrawIn"):
        assert document["components"]["schemas"][name]["additionalProperties"] is False


def test_every_documented_operation_answers(document, who):
    """Without a token 401, everywhere; with one, something documented."""
    request = ask(who)
    for path, method, operation in operations(document):
        address = path.replace("{request_id}", str(request.id))
        address = address.replace("{permit_id}", str(request.id))
        bare = getattr(Client(), method)(address)
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
