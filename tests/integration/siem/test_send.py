"""Sending: in order, at least once, nothing left out, whatever happens on the way."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import transaction

from approvals.audit.siem import formats, leaves, send
from approvals.audit.siem.configure import (
    change_stream,
    create_stream,
    pause_stream,
    remove_stream,
    replay_stream,
    resume_stream,
)
from approvals.audit.siem.send import due_streams, send_stream
from approvals.models import SiemStream
from approvals.tasks import sweep
from portal.kernel.clock import now
from portal.ledger.actors import SYSTEM
from portal.ledger.models import Entry
from portal.ledger.record import record
from tests.outside import Authority, Outside
from tests.unit.siem.test_json import verified

pytestmark = pytest.mark.django_db


def test_what_is_sealed_is_sent_in_order_with_signatures(who, stream, collector, seal, write):
    assert due_streams() == []
    size = write(seal, 3)
    assert due_streams() == [stream.pk]
    assert send_stream(stream.pk)
    stream.refresh_from_db()
    assert stream.position == size
    assert collector.indexes == list(range(size - 3, size))
    (_, _, headers, body) = collector.asked[0]
    assert verified(headers, body, who.secret_of_stream)
    assert stream.last_sent_at and not stream.error and due_streams() == []


def test_what_is_not_sealed_yet_is_not_sent(stream, collector, seal, write):
    with transaction.atomic():
        record("key.created", actor=SYSTEM)
    assert due_streams() == []
    send_stream(stream.pk)
    assert not collector.asked


def test_sending_makes_no_entry_so_that_nothing_goes_round(stream, collector, seal, write):
    write(seal, 2)
    before = Entry.objects.count()
    send_stream(stream.pk)
    assert collector.asked
    assert Entry.objects.count() == before


def test_many_entries_go_in_batches_without_a_gap(stream, collector, seal, write, monkeypatch):
    monkeypatch.setattr(send, "MOST_ENTRIES", 4)
    size = write(seal, 10)
    send_stream(stream.pk)
    assert collector.indexes == list(range(size - 10, size))
    assert [len(body["data"]["entries"]) for body in collector.bodies] == [4, 4, 2]
    monkeypatch.setattr(formats, "MOST_BYTES", 1000)
    size = write(seal, 5)
    send_stream(stream.pk)
    assert collector.indexes[10:] == list(range(size - 5, size))
    assert len(collector.asked) > 5


def test_a_refusal_is_tried_again_later_and_later_with_less(
    stream, collector, seal, write, now_due, monkeypatch
):
    monkeypatch.setattr(send, "MOST_ENTRIES", 8)
    size = write(seal, 8)
    collector.answer(500)
    waits = []
    for _ in range(5):
        at = now()
        send_stream(stream.pk)
        stream.refresh_from_db()
        waits.append((stream.next_try - at).total_seconds())
        now_due(stream)
    assert all(later > sooner for sooner, later in pairwise(waits))
    assert stream.error == "its server answers 500" and stream.failing_since
    assert [len(body["data"]["entries"]) for body in collector.bodies] == [8, 4, 2, 1, 1]
    assert stream.position == size - 8
    collector.asked.clear()
    collector.answer(200)
    send_stream(stream.pk)
    assert collector.indexes == list(range(size - 8, size))
    stream.refresh_from_db()
    assert (stream.failing_since, stream.attempts) == (None, 0)
    assert stream.error  # what went wrong last stays to be read


def test_the_same_message_has_the_same_number_until_a_person_wants_it_again(
    who, stream, collector, seal, write, now_due
):
    size = write(seal)
    collector.answer(503)
    send_stream(stream.pk)
    now_due(stream)
    collector.answer(200)
    send_stream(stream.pk)
    replay_stream(by=who.admin, stream=stream, position=size - 1)
    send_stream(stream.pk)
    first, second, third = [asked[2]["webhook-id"] for asked in collector.asked]
    assert first == second != third


def test_the_receiver_says_when_to_come_back(stream, collector, seal, write):
    write(seal)
    collector.answer(429, Retry_After="900")
    at = now()
    send_stream(stream.pk)
    stream.refresh_from_db()
    assert timedelta(seconds=890) < stream.next_try - at < timedelta(seconds=910)


def test_a_receiver_that_is_gone_pauses_the_stream_and_that_is_recorded(
    who, stream, collector, seal, write
):
    size = write(seal)
    collector.answer(410)
    send_stream(stream.pk)
    stream.refresh_from_db()
    assert stream.paused_at and stream.next_try is None and "410" in stream.error
    entry = Entry.objects.latest("id")
    assert (entry.type, entry.outcome, entry.actor_ref) == ("stream.paused", "gone", "system")
    assert due_streams() == []
    collector.answer(200)
    resume_stream(by=who.admin, stream=stream)
    send_stream(stream.pk)
    assert collector.indexes[1] == size - 1  # the one that was refused, first of all


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (302, "its server answers 302, and redirects are not followed"),
        (404, "its server answers 404"),
    ],
)
def test_whatever_is_not_a_success_is_said(stream, collector, seal, write, status, words):
    write(seal)
    collector.answer(status, Location="http://169.254.169.254/")
    send_stream(stream.pk)
    stream.refresh_from_db()
    assert stream.error == words
    assert len(collector.asked) == 1


def test_one_that_was_killed_after_sending_sends_one_batch_again(
    stream, collector, seal, write, now_due, monkeypatch
):
    monkeypatch.setattr(send, "MOST_ENTRIES", 4)
    size = write(seal, 10)

    class Killed(BaseException):
        pass

    moves = []

    def killed(*arguments):
        if len(moves) == 1:
            raise Killed
        moves.append(arguments)
        return real(*arguments)

    real = send._move
    monkeypatch.setattr(send, "_move", killed)
    with pytest.raises(Killed):
        send_stream(stream.pk)
    monkeypatch.setattr(send, "_move", real)
    assert not send_stream(stream.pk)  # its lease still stands
    now_due(stream)
    send_stream(stream.pk)
    start = size - 10
    assert collector.indexes[:8] == list(range(start, start + 8))
    assert sorted(set(collector.indexes)) == list(range(start, size))
    assert collector.indexes[8:] == list(range(start + 4, size))  # one batch twice, no more


def test_nobody_else_sends_while_one_does(stream, collector, seal, write, monkeypatch):
    write(seal)
    others = []
    monkeypatch.setattr(send, "deliver", lambda *_: others.append(send_stream(stream.pk)))
    assert send_stream(stream.pk)
    assert others == [False]


@pytest.mark.parametrize("what", ["pause", "change", "replay", "remove"])
def test_who_changes_a_stream_while_it_sends_wins(
    who, stream, collector, seal, write, monkeypatch, what
):
    size = write(seal)
    acts = {
        "pause": lambda: pause_stream(by=who.admin, stream=stream),
        "change": lambda: change_stream(
            by=who.admin, stream=stream, name="new", address=stream.address, private=True
        ),
        "replay": lambda: replay_stream(by=who.admin, stream=stream, position=0),
        "remove": lambda: remove_stream(by=who.admin, stream=stream),
    }
    monkeypatch.setattr(send, "deliver", lambda *_: acts[what]())
    send_stream(stream.pk)
    stream.refresh_from_db()
    assert stream.position == (0 if what == "replay" else size - 1)
    assert (stream.next_try is None) == (what in {"pause", "remove"})


def test_a_paused_one_keeps_its_position_and_goes_on_from_there(
    who, stream, collector, seal, write
):
    pause_stream(by=who.admin, stream=stream)
    size = write(seal, 4)
    assert due_streams() == [] and not send_stream(stream.pk)
    resume_stream(by=who.admin, stream=stream)
    send_stream(stream.pk)
    assert collector.indexes[-4:] == list(range(size - 4, size))
    assert collector.indexes[0] == stream.position


def test_an_entry_that_is_not_what_was_sealed_stops_the_stream_with_words(
    stream, collector, seal, write, monkeypatch
):
    size = write(seal, 3)
    real = leaves.leaf_bytes

    def changed(*, at, payload, number):
        leaf = real(at=at, payload=payload, number=number)
        return leaf.replace(b'"n":1', b'"n":7')

    monkeypatch.setattr(leaves, "leaf_bytes", changed)
    send_stream(stream.pk)
    stream.refresh_from_db()
    assert collector.indexes == [size - 3]
    assert stream.position == size - 2
    assert stream.error == f"the entry of leaf {size - 2} is not what was sealed"


def test_the_sweep_wakes_what_is_due(stream, seal, write, monkeypatch):
    woken = []
    monkeypatch.setattr("approvals.tasks.publish", lambda *message: woken.append(message))
    write(seal)
    sweep()
    assert ("approvals.send_stream", str(stream.pk)) in woken


def test_a_turn_ends_and_another_worker_goes_on(stream, collector, seal, write, monkeypatch):
    monkeypatch.setattr(send, "MOST_ENTRIES", 1)
    monkeypatch.setattr(send, "LONGEST_TURN", -1.0)
    size = write(seal, 3)
    for _ in range(3):
        assert due_streams() == [stream.pk]
        send_stream(stream.pk)
    assert collector.indexes == list(range(size - 3, size))


def test_nothing_inside_this_network_is_reached_unless_an_administrator_said_so(
    stream, collector, seal, write
):
    write(seal)
    address = collector.url.replace("http:", "https:")
    SiemStream.objects.update(private=False, address=f"{address}/in")
    send_stream(stream.pk)
    stream.refresh_from_db()
    assert "inside this network" in stream.error
    assert not collector.asked


def test_a_webhook_may_have_an_authority_of_its_own(stream, seal, write, tmp_path):
    authority = Authority(tmp_path)
    server = Outside(authority.server("127.0.0.1"))
    size = write(seal)
    SiemStream.objects.update(address=server.url("/in"))
    send_stream(stream.pk)
    stream.refresh_from_db()
    assert (stream.error, server.asked) == ("its certificate is not accepted", [])
    SiemStream.objects.update(authority=authority.file.read_text(), next_try=now())
    send_stream(stream.pk)
    server.close()
    stream.refresh_from_db()
    assert stream.position == size, stream.error
    assert server.asked[0].startswith(b"POST /in HTTP/1.1\r\n")


class TestSyslog:
    def make(self, who, syslog, authority=None):
        made, secret = create_stream(
            by=who.admin, name="syslog", kind="cef", address=syslog.host, private=True,
            authority=syslog.authority if authority is None else authority,
        )  # fmt: skip
        assert secret == ""
        return made

    def test_messages_arrive_framed_and_in_order(self, who, syslog, seal, write):
        seal()
        made = self.make(who, syslog)
        size = write(seal, 3, text="a|b=c\\d\nCEF:0|forged")
        send_stream(made.pk)
        made.refresh_from_db()
        assert (made.position, made.error) == (size, "")
        syslog.close()
        indexes = [int(one.partition(" cn1=")[2].split(" ")[0]) for one in syslog.messages]
        assert indexes == list(range(size - 5, size))
        assert all("\n" not in one for one in syslog.messages)

    def test_a_server_that_nobody_vouches_for_learns_nothing(
        self, who, syslog, seal, write, tmp_path
    ):
        other = Authority(tmp_path).file.read_text()
        seal()
        made = self.make(who, syslog, authority=other)
        write(seal)
        send_stream(made.pk)
        made.refresh_from_db()
        assert made.error == "its certificate is not accepted"
        syslog.close()
        assert syslog.told == []
