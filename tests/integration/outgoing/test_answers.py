"""What servers do wrong, by accident and on purpose, and that it always ends."""

import gzip
import socket
import threading
import time
import traceback

import pytest

from portal.kernel.outgoing import OutgoingFailed, Reach, send
from tests.outside import answer

REACH = Reach(frozenset({"127.0.0.1", "named.example"}), private=True)
SECRET = "s3cr3t-of-the-test"


def failure(url, **more):
    with pytest.raises(OutgoingFailed) as caught:
        send("GET", url, REACH, **{"seconds": 10, **more})
    return str(caught.value), caught.value.later


def dripping(start):
    yield start
    for _ in range(1_000):
        yield b"x"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1",
    ],
)
def test_the_whole_call_ends_although_every_read_is_quick(outside, start):
    outside.parts = dripping(start)
    assert failure(outside.url(), seconds=0.2) == ("its server does not answer in time", True)


def test_promises_to_go_on_do_not_go_on_for_ever(outside):
    outside.parts = (b"HTTP/1.1 100 Continue\r\n\r\n" for _ in iter(int, 1))
    assert "in time" in failure(outside.url(), seconds=0.2)[0]


def test_a_server_that_reads_slowly_is_cut_off(outside):
    outside.parts = [answer()]
    silent = socket.create_server(("127.0.0.1", 0))  # accepts, and never reads
    url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
    with silent:
        assert "in time" in failure(url, body=b"x" * 20_000_000, seconds=0.2)[0]


def test_a_name_service_that_is_silent_is_cut_off(outside, monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(10) and [])
    assert "in time" in failure(outside.url(), seconds=0.1)[0]
    over.set()


def test_an_unknown_name_is_said_to_be_unknown(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert failure("https://named.example/") == ("its host is not known here", True)


def test_a_label_that_is_too_long_for_a_name_is_said_to_be_unknown():
    host = "a" * 70 + ".example"
    with pytest.raises(OutgoingFailed, match="not known here"):
        send("GET", f"https://{host}/", Reach(frozenset({host})), seconds=10)


def test_nobody_at_the_address_is_said(outside):
    outside.close()
    assert failure(outside.url()) == ("nothing answers at its address", True)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"], "its server's answer breaks off"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"], "its server's answer breaks off"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"],
         "its server's answer breaks off"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
         "its server's answer breaks off"),
        ([], "its server hangs up without an answer"),
    ],
)  # fmt: skip
def test_half_an_answer_is_none(outside, parts, words):
    outside.parts = parts
    assert failure(outside.url()) == (words, True)


def test_a_whole_answer_in_chunks_is_read(outside):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    outside.parts = [head, b"4\r\nwhol\r\n", b"1\r\ne\r\n0\r\n\r\n"]
    assert send("GET", outside.url(), REACH, seconds=10).body == b"whole"


@pytest.mark.parametrize("end", ["length", "chunks", "hang up"])
def test_an_answer_over_the_cap_is_none(outside, end):
    body = b"x" * 2_049
    outside.parts = {
        "length": [answer(body)],
        "chunks": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n801\r\n", body],
        "hang up": [b"HTTP/1.1 200 OK\r\n\r\n", body],
    }[end]
    assert failure(outside.url(), most_bytes=2_048) == ("its answer is larger than 2 KiB", False)


def test_an_answer_as_large_as_the_cap_is_read(outside):
    outside.parts = [answer(b"x" * 2_048)]
    assert len(send("GET", outside.url(), REACH, seconds=10, most_bytes=2_048).body) == 2_048


def test_a_compressed_answer_was_not_asked_for_and_is_not_unpacked(outside):
    outside.parts = [answer(gzip.compress(bytes(10_000_000)), content_encoding="gzip")]
    assert failure(outside.url()) == ("its server answers in a compressed form", False)
    assert b"Accept-Encoding: identity\r\n" in outside.asked[0]


@pytest.mark.parametrize(
    "head",
    [
        "".join(f"X-{number}: y\r\n" for number in range(200)),
        f"X: {'y' * 100_000}\r\n",
        "X: a\0b\r\n",
        "X: a\x1b[2J\r\n",
        "X: a\r\n folded: line\r\n",
        "X\0Y: a\r\n",
        "no header\r\nContent-Length: 0\r\n",
    ],
    ids=["many", "long", "nul", "escape", "folded", "nul in a name", "no header"],
)
def test_headers_that_are_too_much_or_no_text_make_an_answer_none(outside, head):
    outside.parts = [f"HTTP/1.1 200 OK\r\n{head}\r\n".encode("latin-1")]
    assert failure(outside.url()) == ("its server's answer is not to be understood", False)


@pytest.mark.parametrize("start", [b"SSH-2.0-x\r\n", b"\0" * 100, b"HTTP/1.1 103 Hints\r\n\r\n"])
def test_what_is_no_answer_is_none(outside, start):
    outside.parts = [start]
    assert failure(outside.url()) == ("its server's answer is not to be understood", False)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {SECRET}\r\nX: y"},
        {"Authorization": f"Bearer {SECRET}\0"},
        {"Authorization": f"Bearer {SECRET}\u2028"},
        {f"X {SECRET}": "y"},
        {"": SECRET},
        {"Host": SECRET},
        {"content-length": "0"},
        {"Transfer-Encoding": "chunked"},
    ],
)
def test_a_header_that_would_say_something_else_is_not_sent(outside, headers):
    words, later = failure(outside.url(), headers=headers)
    assert "cannot be sent" in words
    assert (later, outside.asked) == (False, [])


@pytest.mark.parametrize("parts", [[b"nonsense\r\n"], [answer(b"x" * 9)], []])
def test_a_secret_is_in_no_word_of_a_failure(outside, parts):
    outside.parts = parts
    with pytest.raises(OutgoingFailed) as caught:
        send("GET", outside.url(f"/?key={SECRET}"), REACH, seconds=10, most_bytes=8,
             headers={"Authorization": f"Bearer {SECRET}"})  # fmt: skip
    assert SECRET.encode() in outside.asked[0]
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_an_answer_shows_only_its_status(outside):
    outside.parts = [answer(SECRET.encode(), x_key=SECRET)]
    assert repr(send("GET", outside.url(), REACH, seconds=10)) == "Got(status=200)"
