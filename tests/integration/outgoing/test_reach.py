"""Where the client goes, and where it never does."""

import pytest

from portal.kernel.outgoing import OutgoingFailed, Reach, send
from tests.outside import answer, names_lead_to

HOSTS = frozenset({"127.0.0.1", "named.example", "inside.example"})
INSIDE = Reach(HOSTS, private=True)
PUBLIC = Reach(HOSTS)


def get(url, reach=INSIDE, **more):
    return send("GET", url, reach, **{"seconds": 10, **more})


def refusal(url, reach):
    with pytest.raises(OutgoingFailed) as caught:
        get(url, reach)
    return str(caught.value), caught.value.later


def test_a_pinned_host_is_asked(outside):
    outside.parts = [answer(b"here", etag='"7"')]
    got = get(outside.url("/a?b=c#d"))
    assert (got.status, got.body, got.headers["etag"]) == (200, b"here", '"7"')
    assert outside.asked[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert f"Host: {outside.host}\r\n".encode() in outside.asked[0]


def test_a_body_is_sent_whole(outside):
    sent = b"x" * 300_000
    outside.parts = [answer(status=201)]
    got = send("POST", outside.url(), INSIDE, body=sent, headers={"Accept": "text/x"}, seconds=10)
    assert got.status == 201
    assert b"Content-Length: 300000\r\n" in outside.asked[0]
    assert b"Accept: text/x\r\n" in outside.asked[0]


@pytest.mark.parametrize("pins", [{"127.0.0.1"}, {"127.0.0.1:{port}"}])
def test_a_pin_names_a_host_or_a_host_and_a_port(outside, pins):
    hosts = frozenset(pin.format(port=outside.port) for pin in pins)
    assert get(outside.url(), Reach(hosts, private=True)).status == 200


@pytest.mark.parametrize("pin", ["127.0.0.1:1", "0.0.1", "27.0.0.1", "*", "localhost", ""])
def test_every_other_host_or_port_is_refused(outside, pin):
    words, later = refusal(outside.url(), Reach(frozenset({pin}), private=True))
    assert (words, later) == ("its host is not among those that may be asked", False)
    assert outside.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://named.example@127.0.0.1/",
        "https://127.0.0.1\\@named.example/",
        "https://named.example:443:80/",
        "https://named.example%2eevil/",
        "https://[::1%25lo]/",
        "https://named.example/\x00",
        "https://named.example/ HTTP/1.1\r\nX: y",
        "https://n\u0430med.example/",
        "https://named.example:0/",
        "https://named.example./",
        "https:///",
        "file:///etc/passwd",
        "gopher://named.example/",
        "named.example",
        "https://named.example/" + "x" * 9_000,
    ],
)
def test_an_address_that_somebody_may_read_differently_is_refused(url):
    assert refusal(url, INSIDE) == ("its address cannot be asked", False)


def test_plain_http_needs_to_be_allowed(outside):
    assert refusal(outside.url(), PUBLIC)[0] == "its address must begin with https://"
    assert get(outside.url()).status == 200


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["fd00:ec2::254"],
     ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"], ["2002:7f00:1::"], ["93.184.215.14", "127.0.0.1"]],
)  # fmt: skip
def test_a_name_that_leads_inside_is_not_asked(monkeypatch, addresses):
    names_lead_to(monkeypatch, named=[addresses])
    words, later = refusal("https://named.example/", PUBLIC)
    assert (words, later) == ("its host is inside this network, which is not allowed", False)


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "[::1]", "[::]"])
def test_a_number_that_leads_inside_is_not_asked(outside, host):
    url = f"https://{host}:{outside.port}/"
    assert "inside this network" in refusal(url, Reach(frozenset({host})))[0]
    assert outside.asked == []


def test_a_name_service_that_answers_differently_the_second_time_changes_nothing(
    outside, monkeypatch
):
    left = names_lead_to(monkeypatch, named=[["127.0.0.1"], ["10.9.9.9"]])
    assert get(outside.url(host="named.example")).status == 200
    assert f"Host: named.example:{outside.port}\r\n".encode() in outside.asked[0]
    assert next(left["named.example"]) == ["10.9.9.9"]


def test_the_next_address_is_asked_when_one_does_not_answer(outside, monkeypatch):
    names_lead_to(monkeypatch, named=[["127.0.0.9", "127.0.0.1"]])
    assert get(outside.url(host="named.example")).status == 200


def test_a_redirect_inside_is_an_answer_and_is_not_followed(outside):
    outside.parts = [answer(status=302, location=outside.url("/metadata"))]
    got = get(outside.url())
    assert (got.status, got.headers["location"]) == (302, outside.url("/metadata"))
    assert len(outside.asked) == 1


def test_a_proxy_of_the_environment_is_not_used(outside, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert get(outside.url()).status == 200


@pytest.mark.parametrize("status", [204, 304, 401, 404, 429, 500, 503])
def test_every_status_is_an_answer(outside, status):
    outside.parts = [answer(status=status, retry_after="7", x_n="1", X_N="2")]
    got = get(outside.url())
    assert (got.status, got.headers["retry-after"], got.headers["x-n"]) == (status, "7", "1, 2")
