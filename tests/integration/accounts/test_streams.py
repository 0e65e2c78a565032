"""Whoever loses a session or a right is let go at once, an open stream included."""

import asyncio
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.queries import Sight
from approvals.views import stream
from portal.access import revoke_role
from portal.accounts.devices import sign_out_everywhere
from portal.accounts.people import deactivate_person, reset_password
from portal.directory.groups import remove_member
from portal.kernel.ids import new_id
from portal.ledger.listen import Hub, News
from tests.integration.pages import as_

VERA, OLGA = new_id(), new_id()
SCOPE = {"headers": [(b"host", b"portal.test"), (b"cookie", b"")]}


def open_stream(told, *, still_signed_in):
    """Whether the stream of Vera ended within a moment, and how often her rights were read."""
    readings = [Sight(VERA, None, [], {})]

    async def scenario():
        hub, ended, asked = Hub({}), asyncio.Event(), []

        async def in_pool(function, *arguments):
            assert function is stream.who_watches
            asked.append(arguments)
            return readings[0] if len(asked) == 1 or still_signed_in else None

        async def receive():
            await ended.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            if b"resync" in message.get("body", b""):
                hub.tell(told)

        live = asyncio.ensure_future(stream.live(SCOPE, receive, send, hub=hub, in_pool=in_pool))
        done, _ = await asyncio.wait({live}, timeout=0.3)
        ended.set()
        await live
        return bool(done), len(asked)

    return asyncio.run(scenario())


def test_a_stream_ends_when_its_person_is_signed_out_or_deactivated():
    assert open_stream(News(person=str(VERA)), still_signed_in=False) == (True, 2)
    assert open_stream(News(person=str(VERA)), still_signed_in=True) == (False, 2)
    assert open_stream(News(person=str(OLGA)), still_signed_in=False) == (False, 1)


def told_of(person, act) -> bool:
    with CaptureQueriesContext(connection) as captured:
        act()
    hint = json.dumps({"person": str(person.pk)}, separators=(",", ":"))
    return any("pg_notify" in query["sql"] and hint in query["sql"] for query in captured)


@pytest.mark.parametrize(
    "act",
    [
        lambda c: deactivate_person(by=c.ada, person=c.vera),
        lambda c: reset_password(by=c.ada, person=c.vera),
        lambda c: sign_out_everywhere(by=c.ada, person=c.vera),
        lambda c: remove_member(by=c.gus, group=c.leads, person=c.vera),
        lambda c: revoke_role(by=c.ada, to=c.vera, role="viewer", target=c.shop),
        lambda c: as_(c.vera).post(reverse("account_logout")),
    ],
    ids=["deactivated", "new-password", "signed-out", "left-the-group", "lost-a-role", "left"],
)
def test_streams_are_told_of_a_person_who_lost_something(company, act):
    assert told_of(company.vera, lambda: act(company))
