"""Bad input: always a problem that says what to do, never a 500, nothing half-written."""

import json
import re

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals.models import Permit, Request
from portal.ledger.models import Entry
from tests.api import body, call, code, post, redeem
from tests.factories import ask, decide


def refused(answer, status, expected):
    """The documented form: code, status, a sentence, and nothing written."""
    assert (answer.status_code, code(answer)) == (status, expected), answer.content
    found = answer.json()
    assert found["status"] == status
    assert found["type"].endswith(f"#{expected}")
    assert found["title"]
    assert len(found["detail"]) > 10
    assert not Request.objects.exists()
    return found


def raw(who, content, content_type="application/json", path="/api/v1/requests", **headers):
    headers = {"HTTP_IDEMPOTENCY_KEY": "a-key", **headers}
    return Client().post(
        path, content, content_type, HTTP_AUTHORIZATION=f"Bearer {who.secret}", **headers
    )


@pytest.mark.parametrize(
    "content",
    [b"{", b"nope", b'{"project": }', b"{'project': 'shop'}", b"\xff\xfe", b'{"a": NaN}',
     b'{"reason": "\\ud800"}', b'{"a": 1}{"b": 2}', b"[" * 5000, b'{"a": 1e999999}x'],
)  # fmt: skip
def test_what_is_not_json_is_malformed(who, content):
    refused(raw(who, content), 400, "malformed-json")


@pytest.mark.parametrize("content", [b"[]", b"1", b'"text"', b"null", b"true", b""])
def test_json_that_is_no_object_is_invalid(who, content):
    refused(raw(who, content), 422, "invalid")


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_another_media_type_is_refused(who, media):
    refused(raw(who, json.dumps(body()), media), 415, "unsupported-media-type")


@pytest.mark.parametrize("size", [64 * 1024 + 1, 3 * 1024 * 1024])
def test_a_body_over_the_cap_is_too_large(who, size):
    refused(raw(who, b'{"reason": "' + b"x" * size + b'"}'), 413, "too-large")


@pytest.mark.parametrize(
    "key", ["", " ", "two words", "x" * 201, "é", "tab\there", "line\nbreak", "\x00"]
)
def test_a_bad_idempotency_key_is_refused(who, key):
    refused(
        raw(who, json.dumps(body()), HTTP_IDEMPOTENCY_KEY=key),
        400,
        "bad-header",
    )


def test_the_key_is_required(who):
    refused(call(who.secret, "post", "/requests", body()), 400, "bad-header")


WRONG = {
    "project": [None, 1, "", "x" * 101, ["shop"], {}, True],
    "environment": [None, 1, "", "x" * 101, []],
    "action": [None, "", "Deploy", "a b", "-x", "x" * 101, 1],
    "subject": [None, {}, [], "abc", {"ref": "refs/heads/main"}, {"commit": None}],
    "subject.commit": ["", 1, "abc", "Z" * 40, "1" * 41, ["1" * 40], "1" * 40 + "\n"],
    "subject.ref": ["main", "refs/heads/a b", "refs/heads/\n", 1, "refs/" + "x" * 300],
    "subject.artifact": ["x", "sha1:" + "0" * 40, 1, "sha256:" + "0" * 64 + " "],
    "subject.plan": ["x", "0" * 64, {}],
    "subject.image": ["anything"],
    "run": [None, {}, "8812", [], {"id": ""}],
    "run.id": [None, 8812, "", "x" * 201, "a\x1bb"],
    "run.attempt": [0, -1, "1", 1.0, 1.5, 10**6, None, True],
    "run.url": ["ftp://x", "javascript:x", "https://" + "x" * 2000, 1],
    "run.actor": [1, "x" * 201, "a\x00b", ["x"]],
    "run.branch": ["anything"],
    "reason": [None, 1, ["x"], "x" * 4097, "a\x00b"],
    "labels": [None, "hotfix", {}, [1], [""], ["x" * 101], ["x"] * 51, [["x"]], ["a\nb"]],
    "claims": [None, [], "x", {"no.such": 1}, {"é": 1}, {"x": None}, {"x": {"y": 1}}, {"": 1}],
    "surprise": [1],
}


@pytest.mark.parametrize("field", WRONG)
def test_a_wrong_field_is_named(who, field):
    for value in WRONG[field]:
        wish = body()
        place, _, name = field.rpartition(".")
        (wish[place] if place else wish)[name] = value
        found = refused(post(who.secret, wish), 422, "invalid")
        named = found["errors"][0]["field"]
        assert named == field or named.startswith(f"{field}.") or field.startswith(named), named
        assert found["errors"][0]["message"]


CLAIMS = {
    "terraform.destroyed": ([["a\nb"], ["x" * 201], [1], "a.b", None, {}, True], ["a.b", "c.d"]),
    "terraform.plan_digest": (["a\nb", "x" * 1001, 1, ["success"], None], "sha256:" + "0" * 64),
    "terraform.destroys": (["1", 1.5, True, [1], None], 1),
    "ci.state": (["success", "sideways"], None),
    "metric.error_rate": ([0.0], None),
    "tests.passed": (["yes", 1, None, [True]], True),
    "deploy.canary_error_rate": (["0.1", 2**60, None, True], 0.25),
    "no.such": ([1, "x", {"y": 1}], None),
    "é": ([1], None),
}


@pytest.mark.parametrize("path", ["/requests", "/gate"])
@pytest.mark.parametrize("name", CLAIMS)
def test_a_wrong_claim_is_named_once_in_our_own_words(who, path, name):
    wrong, right = CLAIMS[name]
    for value in wrong:
        wish = body(claims={name: value})
        found = refused(raw(who, json.dumps(wish), path=f"/api/v1{path}"), 422, "invalid")
        (error,) = found["errors"]
        assert error["field"] == f"claims.{name}"
        assert not re.search(r"input should|valid |function|bool|\bstr\b", error["message"])
    if right is not None:
        answer = raw(who, json.dumps(body("staging", claims={name: right})), path=f"/api/v1{path}")
        assert answer.status_code in {200, 201}, answer.content


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("subject.commit", "HEAD", "must be a whole commit id: 40 or 64 hexadecimal digits"),
        ("subject.artifact", "sha256:1", "must be sha256: and 64 hexadecimal digits"),
        ("subject.plan", "1" * 64, "must be sha256: and 64 hexadecimal digits"),
        (
            "subject.ref",
            "main",
            "must be the full name of a branch or tag, such as refs/heads/main",
        ),
        ("action", "Deploy!", "must begin with a letter and have only a-z, 0-9, - and _"),
    ],
)
def test_a_wrong_form_is_answered_with_what_to_send(who, field, value, says):
    wish = body()
    place, _, name = field.rpartition(".")
    (wish[place] if place else wish)[name] = value
    found = refused(post(who.secret, wish), 422, "invalid")
    (error,) = found["errors"]
    assert error["message"].startswith(says)
    assert found["detail"] == f"{field}: {error['message']}"


@pytest.mark.parametrize("field", ["project", "environment", "action", "subject", "run"])
def test_a_missing_field_is_named(who, field):
    wish = body()
    del wish[field]
    found = refused(post(who.secret, wish), 422, "invalid")
    assert found["errors"][0]["field"] == field


@pytest.mark.parametrize("query", ["wait=x", "wait=", "after=x", "wait=1.5", "after=1e3", "wait=٣"])
def test_bad_times_of_a_wait_are_invalid(who, query):
    """Through the test client nothing is parked; the server's own answers are in test_parked."""
    request = ask(who)
    answer = call(who.secret, "get", f"/requests/{request.id}?{query}")
    assert answer.status_code in {200, 422} if "٣" in query else answer.status_code == 422
    assert answer.status_code == 200 or code(answer) == "invalid"


@pytest.mark.parametrize("one", ["x", "0", "01A20AE7-5406-70FD-BB79-97D5D69526CB", "%00", "../x"])
def test_a_bad_id_is_not_found(who, one):
    for method, path in (
        ("get", f"/requests/{one}"),
        ("get", f"/requests/{one}/stream"),
        ("post", f"/requests/{one}/redeem"),
        ("post", f"/permits/{one}/finish"),
    ):
        answer = call(who.secret, method, path, {} if method == "post" else None)
        assert (answer.status_code, code(answer)) == (404, "not-found")


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
PATHS = [
    ("project",), ("environment",), ("action",), ("subject",), ("subject", "commit"),
    ("subject", "ref"), ("subject", "artifact"), ("subject", "plan"), ("run",), ("run", "id"),
    ("run", "attempt"), ("run", "url"), ("run", "actor"), ("reason",), ("labels",), ("claims",),
    ("extra",),
]  # fmt: skip
BOUNDED = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def consistent(answer):
    """An answer of the contract, whatever was sent."""
    assert answer.status_code < 500, answer.content
    expected = "application/json" if answer.status_code < 400 else "application/problem+json"
    assert answer["Content-Type"] == expected
    requests = Request.objects.count()
    assert Entry.objects.filter(type="request.submitted").count() == requests
    assert not Request.objects.filter(snapshot=None).exists()
    assert not Request.objects.filter(ledger_seq=0).exists()


@given(path=st.sampled_from(PATHS), value=VALUES)
@BOUNDED
def test_any_value_anywhere_is_answered(who, path, value):
    wish = body()
    place = wish
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    consistent(post(who.secret, wish))


@given(wish=VALUES)
@BOUNDED
def test_any_body_of_the_later_calls_is_answered(who, wish):
    request = Request.objects.first() or decide(ask(who), who.alice)
    for path in (f"/requests/{request.id}/redeem", f"/requests/{request.id}/withdraw"):
        answer = call(who.secret, "post", path, wish)
        consistent(answer)
        assert answer.status_code >= 400
    assert not Permit.objects.exists()


@given(
    digest=st.text(max_size=80),
    run=st.text(max_size=8),
    attempt=st.integers(-2, 10**20) | st.text(max_size=2),
)
@BOUNDED
def test_only_the_right_words_redeem(who, digest, run, attempt):
    request = Request.objects.first() or decide(ask(who), who.alice)
    consistent(redeem(who.secret, request, digest=digest, run={"id": run, "attempt": attempt}))
    assert not Permit.objects.exists()


@given(header=st.binary(max_size=40))
@BOUNDED
def test_any_authorization_is_answered(who, header):
    answer = Client().get(
        f"/api/v1/requests/{who.project.pk}", HTTP_AUTHORIZATION=header.decode("latin-1")
    )
    assert (answer.status_code, code(answer)) == (401, "unauthenticated")
