"""Parked calls learn what no notification told them, by one query for all of them."""

import asyncio

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.ci.wait import first_of, versions_of
from portal.ledger.listen import Hub, News
from tests.factories import ask

ONE = "00000000-0000-0000-0000-000000000001"


@pytest.mark.django_db
def test_where_many_requests_are_is_one_query(who):
    requests = [ask(who) for _ in range(3)]
    with CaptureQueriesContext(connection) as captured:
        found = versions_of([str(request.pk) for request in requests])
    assert len(captured) == 1
    assert {(n.request, n.project, n.version) for n in found} == {
        (str(request.pk), str(request.project_id), request.version) for request in requests
    }


def wait(told, seen):
    """Whether a call that saw version `seen` was woken by `told` within a moment."""

    async def scenario():
        hub = Hub({})
        hung_up = asyncio.get_running_loop().create_future()
        with hub.watch(ONE) as watch, hub.watch() as page:
            waiting = asyncio.ensure_future(first_of(watch, hung_up, 5, seen=seen))
            await asyncio.sleep(0)
            for version in told:
                hub.tell_parked(News(ONE, "", version))
            done, _ = await asyncio.wait({waiting}, timeout=0.1)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert await page.next(0) is None  # pages hear of real news only
            assert hub.watched() == [ONE]
            return bool(done)

    return asyncio.run(scenario())


def test_a_parked_call_reads_again_for_a_newer_version_only():
    assert wait([3], seen=2)
    assert wait([2, 3], seen=2)
    assert not wait([2, 1, 2], seen=2)
