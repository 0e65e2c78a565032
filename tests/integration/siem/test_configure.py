"""Streams are administrators' affair, every change is an entry, and no secret comes out again."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from approvals.audit.siem import configure, deliver
from approvals.audit.siem.configure import (
    change_stream,
    create_stream,
    pause_stream,
    remove_stream,
    renew_secret,
    replay_stream,
    resume_stream,
)
from approvals.audit.siem.send import send_stream
from approvals.models import SiemStream
from portal.access import grant_role
from portal.access.models import Organisation
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden, Invalid
from portal.kernel.sealed import unseal
from portal.ledger.models import Entry
from tests.factories import person
from tests.unit.siem.test_json import verified

pytestmark = pytest.mark.django_db


def entries(kind):
    return [json.loads(bytes(one.payload)) for one in Entry.objects.filter(type=kind)]


def make(by, **more):
    given = {"name": "siem", "kind": "json", "address": "https://siem.example/in", **more}
    return create_stream(by=by, **given)


def refused(field, *arguments, **more):
    with pytest.raises(Invalid) as caught:
        make(*arguments, **more)
    assert [error["field"] for error in caught.value.extra["errors"]] == [field]
    return caught.value.sentence


def test_only_administrators_change_streams(who, stream):
    auditor = person(who.admin, "Olga Auditor")
    grant_role(by=who.admin, to=auditor, role="auditor", target=Organisation.objects.get())
    for act in (
        lambda: make(auditor, name="mine"),
        lambda: change_stream(by=auditor, stream=stream, name="x", address="https://e.example/"),
        lambda: pause_stream(by=auditor, stream=stream),
        lambda: resume_stream(by=auditor, stream=stream),
        lambda: replay_stream(by=auditor, stream=stream, position=0),
        lambda: renew_secret(by=auditor, stream=stream),
        lambda: remove_stream(by=auditor, stream=stream),
    ):
        with pytest.raises(Forbidden):
            act()
    assert make(who.deputy, name="mine")[0].name == "mine"


def test_every_change_is_recorded_without_a_secret(who, seal):
    size = seal()
    made, secret = make(who.admin, project=who.project, authorization="Splunk s3cret")
    change_stream(
        by=who.admin, stream=made, name="new", address="https://siem.example/new",
        authorization="Splunk another",
    )  # fmt: skip
    pause_stream(by=who.admin, stream=made)
    resume_stream(by=who.admin, stream=made)
    replay_stream(by=who.admin, stream=made, position=1)
    renewed = renew_secret(by=who.admin, stream=made)
    remove_stream(by=who.admin, stream=made)
    about = {"kind": "stream", "id": str(made.pk), "name": "siem"}
    about |= {"format": "json", "position": size}
    (created,) = entries("stream.created")
    assert (created["object"], created["project"]) == (about, str(who.project.pk))
    assert created["change"]["after"]["address"] == "https://siem.example/in"
    (changed,) = entries("stream.changed")
    assert changed["object"]["secrets_replaced"] == ["authorization"]
    assert changed["change"]["after"]["name"] == "new"
    (replayed,) = entries("stream.replayed")
    assert replayed["change"] == {"before": {"position": size}, "after": {"position": 1}}
    for kind in ("paused", "resumed", "secret_renewed", "removed"):
        assert len(entries(f"stream.{kind}")) == 1
    everything = "".join(bytes(one.payload).decode() for one in Entry.objects.all())
    row = SiemStream.objects.get()
    for word in (secret, renewed, "s3cret", "another"):
        assert word not in everything and word not in repr(row.__dict__)
    assert not (row.secret or row.old_secret or row.authorization)


def test_where_entries_begin_to_flow_evidence_is_read(who, seal):
    size = seal()
    made, _ = make(who.admin)
    pause_stream(by=who.admin, stream=made)
    pause_stream(by=who.admin, stream=made)
    replay_stream(by=who.admin, stream=made, position=2)  # paused: nothing flows yet
    resume_stream(by=who.admin, stream=made)
    resume_stream(by=who.admin, stream=made)
    replay_stream(by=who.admin, stream=made, position=3)
    assert [one["object"]["number"] for one in entries("evidence.read")] == [size, 2, 3]
    assert len(entries("stream.paused")) == len(entries("stream.resumed")) == 1


def test_it_begins_now_or_at_the_start(who, seal):
    size = seal()
    assert make(who.admin)[0].position == size
    assert make(who.admin, name="all", from_start=True)[0].position == 0


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("address", {"address": "siem.example"}),
        ("address", {"address": "http://siem.example/in"}),
        ("address", {"address": "https://user:word@siem.example/"}),
        ("address", {"kind": "cef", "address": "siem.example"}),
        ("address", {"kind": "cef", "address": "siem.example:0"}),
        ("address", {"kind": "cef", "address": "siem.example:99999"}),
        ("address", {"kind": "cef", "address": "https://siem.example:6514"}),
        ("address", {"kind": "cef", "address": "u@siem.example:6514"}),
        ("authority", {"authority": "no certificate"}),
        ("authority", {"authority": "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----"}),
        ("authorization", {"authorization": "Bearer ü"}),
        ("authorization", {"authorization": "Bearer a\r\nX-Evil: 1"}),
        ("authorization", {"kind": "cef", "address": "a.example:1", "authorization": "Bearer x"}),
        ("kind", {"kind": "leef"}),
        ("name", {"name": "a\x00b"}),
    ],
)
def test_what_cannot_be_sent_to_is_refused_at_its_field(who, seal, field, given):
    refused(field, who.admin, **given)
    assert not SiemStream.objects.exists()


def test_two_streams_have_two_names_and_there_are_not_endlessly_many(who, seal, monkeypatch):
    make(who.admin)
    with pytest.raises(Invalid):
        make(who.admin)
    monkeypatch.setattr(configure, "MOST", 1)
    with pytest.raises(Conflict):
        make(who.admin, name="other")
    remove_stream(by=who.admin, stream=SiemStream.objects.get())
    made, _ = make(who.admin)  # the name is free again
    with pytest.raises(Conflict):
        pause_stream(by=who.admin, stream=SiemStream.objects.exclude(pk=made.pk).get())


def test_an_authorization_is_sent_and_not_handed_on_to_another_host(
    who, stream, collector, seal, write
):
    change_stream(
        by=who.admin, stream=stream, name="siem", address=stream.address, private=True,
        authorization="Splunk s3cret",
    )  # fmt: skip
    write(seal)
    send_stream(stream.pk)
    assert collector.asked[0][2]["authorization"] == "Splunk s3cret"
    given = {"by": who.admin, "stream": stream, "name": "siem", "private": True}
    change_stream(**given, address=f"{collector.url}/other")  # the same host: it stays
    stream.refresh_from_db()
    assert unseal(stream.authorization) == "Splunk s3cret"
    with pytest.raises(Invalid) as caught:
        change_stream(**given, address="https://elsewhere.example/in")
    assert caught.value.extra["errors"][0]["field"] == "authorization"


def test_a_new_secret_signs_beside_the_old_one_for_a_day(
    who, stream, collector, seal, write, monkeypatch
):
    old, new = who.secret_of_stream, renew_secret(by=who.admin, stream=stream)
    write(seal)
    send_stream(stream.pk)
    monkeypatch.setattr(deliver, "now", lambda: now() + timedelta(days=1, minutes=1))
    write(seal)
    send_stream(stream.pk)
    (_, _, both, first), (_, _, one, second) = collector.asked
    assert verified(both, first, old) and verified(both, first, new)
    assert verified(one, second, new) and not verified(one, second, old)


def test_a_secret_that_no_key_opens_is_said_and_nothing_is_sent(
    who, stream, collector, seal, write, settings
):
    write(seal)
    settings.SECRETS_KEY = ["another"]
    send_stream(stream.pk)
    stream.refresh_from_db()
    assert "SECRETS_KEY" in stream.error and not collector.asked


def test_a_position_beyond_the_log_is_refused(who, stream, seal):
    with pytest.raises(Invalid) as caught:
        replay_stream(by=who.admin, stream=stream, position=seal() + 1)
    assert caught.value.extra["errors"][0]["field"] == "position"


def test_secrets_are_sealed_anew_with_the_first_key(who, seal, settings):
    made, secret = make(who.admin, authorization="Splunk s3cret")
    remove_stream(by=who.admin, stream=make(who.admin, name="gone")[0])
    old, new = settings.SECRET_KEY, "n" * 40
    settings.SECRETS_KEY = [new, old]
    call_command("reseal", stdout=(out := StringIO()))
    assert (
        out.getvalue() == "0 connections, 1 streams, 0 factors and 0 sign-in providers resealed\n"
    )
    settings.SECRETS_KEY = [new]
    made.refresh_from_db()
    assert (unseal(made.secret), unseal(made.authorization)) == (secret, "Splunk s3cret")
    assert len(entries("stream.resealed")) == 1
    settings.SECRETS_KEY = ["x" * 40]
    with pytest.raises(CommandError, match=r"secrets of: siem \("):
        call_command("reseal", stdout=StringIO())
