"""The hub: news arrives, and who missed something is told to read everything again."""

import asyncio
import contextlib
import json

import psycopg
import pytest

from portal.ledger import listen
from portal.ledger.listen import MOST_QUEUED, RESYNC, Hub, News
from portal.ledger.record import CHANNEL
from tests.conftest import worker_database
from tests.plugin import server_of_this_run

ONE, OTHER, PROJECT = (f"0196f0e0-0000-7000-8000-00000000000{n}" for n in (1, 2, 3))
SECONDS = 10.0


@pytest.fixture
def server(django_db_setup):
    """Where the hub listens, and a way to say something there."""
    return {
        "host": str(server_of_this_run().socket_directory),
        "user": "countersign_app",
        "dbname": worker_database(),
    }


def message(request=ONE, version=2, position=7, **more):
    return json.dumps(
        {"request": request, "project": PROJECT, "version": version, "position": position, **more}
    )


async def say(server, *payloads):
    async with await psycopg.AsyncConnection.connect(**server, autocommit=True) as connection:
        for payload in payloads:
            await connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])


async def cut(server):
    """Terminate the hub's connection, as a restart of the database does."""
    async with await psycopg.AsyncConnection.connect(**server, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'countersign live' AND datname = current_database()"
        )


@contextlib.asynccontextmanager
async def listening(server):
    """A hub that has begun to listen."""
    hub = Hub(server)
    with hub.watch() as first:
        task = asyncio.create_task(hub.run())
        assert await first.next(SECONDS) == RESYNC
    try:
        yield hub
        assert not task.done(), "the hub gave up"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_news_reaches_who_watches_that_request_or_all(server):
    async def story():
        async with listening(server) as hub:
            with hub.watch(ONE) as mine, hub.watch(OTHER) as other, hub.watch() as every:
                await say(server, message(), message(OTHER, 3, 8))
                assert await mine.next(SECONDS) == News(ONE, PROJECT, 2, 7)
                assert await other.next(SECONDS) == News(OTHER, PROJECT, 3, 8)
                assert [(await every.next(SECONDS)).request for _ in "12"] == [ONE, OTHER]
                assert await mine.next(0.05) is None

    asyncio.run(story())


def test_that_the_rights_of_a_person_changed_is_told_to_pages_only(server):
    async def story():
        async with listening(server) as hub:
            with hub.watch(ONE) as call, hub.watch() as page:
                await say(server, json.dumps({"person": OTHER}), message())
                assert await page.next(SECONDS) == News(person=OTHER)
                assert await call.next(SECONDS) == News(ONE, PROJECT, 2, 7)

    asyncio.run(story())


def test_a_cut_connection_is_made_again_and_everybody_reads_again(server):
    async def story():
        async with listening(server) as hub:
            with hub.watch(ONE) as mine, hub.watch() as every:
                for _ in range(2):
                    await cut(server)
                    assert await mine.next(SECONDS) == RESYNC
                    assert await every.next(SECONDS) == RESYNC
                await say(server, message())
                assert (await mine.next(SECONDS)).version == 2

    asyncio.run(story())


def test_a_database_that_is_away_at_the_start_is_waited_for(server, monkeypatch):
    monkeypatch.setattr(listen, "FIRST_PAUSE", 0.01)

    async def story():
        hub = Hub({**server, "host": "/nowhere"})
        with hub.watch(ONE) as mine:
            task = asyncio.create_task(hub.run())
            assert await mine.next(0.3) is None
            hub._conninfo = server
            assert await mine.next(SECONDS) == RESYNC
            task.cancel()

    asyncio.run(story())


@pytest.mark.parametrize(
    "junk",
    [
        "", "{", "null", "7", "[]", '"text"', "{}", "1e999", '{"request": "x"}',
        message(request=""), message(request="junk"), message(request=5), message(request=None),
        message(project="../../etc"), message(version="many"), message(version=None),
        message(position=[]), '"person"', '{"person": 7}', '{"person": "x"}',
    ],
)  # fmt: skip
def test_junk_on_the_channel_makes_everybody_read_again_and_no_more(server, junk):
    async def story():
        async with listening(server) as hub:
            with hub.watch(ONE) as mine:
                await say(server, junk, message())
                assert await mine.next(SECONDS) == RESYNC
                assert await mine.next(SECONDS) == News(ONE, PROJECT, 2, 7)

    asyncio.run(story())


def test_a_queue_that_overflows_becomes_one_resync():
    async def story():
        hub = Hub({})
        with hub.watch(ONE) as slow, hub.watch(OTHER) as quick:
            for version in range(MOST_QUEUED + 1):
                hub.tell(News(ONE, PROJECT, version, version))
            assert await slow.next(0) == RESYNC
            assert await slow.next(0.01) is None
            assert await quick.next(0.01) is None, "only who was too slow reads again"
            hub.tell(News(ONE, PROJECT, 999, 999))
            assert (await slow.next(0)).version == 999

    asyncio.run(story())


def test_who_left_is_forgotten_whatever_made_them_leave():
    async def story():
        hub = Hub({})
        with contextlib.suppress(ConnectionError), hub.watch(ONE):
            raise ConnectionError
        with hub.watch(), hub.watch(ONE) as stays:
            with hub.watch(ONE):
                pass
            hub.tell(News(ONE, PROJECT, 1, 1))
            assert (await stays.next(0)).version == 1
        assert (hub._by_request, hub._all) == ({}, set())

    asyncio.run(story())


def test_closing_tells_everybody_at_once():
    async def story():
        hub = Hub({})
        with hub.watch(ONE) as mine, hub.watch() as every:
            hub.close()
            assert [await mine.next(0), await every.next(0)] == [RESYNC, RESYNC]
            assert hub.closed.is_set()

    asyncio.run(story())
