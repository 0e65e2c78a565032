"""Long answers through the bridge, with a server and an application of a few lines."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from portal.config.bridge import Bridge

SCOPE = {
    "method": "GET",
    "path": "/audit/reports/population.csv",
    "query_string": b"",
    "headers": [],
    "scheme": "http",
    "http_version": "1.1",
}
PARTS = 500


class Long:
    """A streaming response whose parts are made one after the other."""

    streaming = True

    def __init__(self):
        self.made, self.closed = 0, False

    def __iter__(self):
        for _ in range(PARTS):
            self.made += 1
            yield b"x"

    def close(self):
        self.closed = True


def answered(hangs_up_after):
    """What was made and sent where the client is gone after so many messages."""
    response, sent = Long(), []

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/csv")])
        return response

    async def exchange(pool):
        left, asked = asyncio.Event(), []

        async def receive():
            if not asked:
                asked.append(True)
                return {"type": "http.request", "body": b""}
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message):  # as uvicorn: nothing is said where nobody hears it
            sent.append(message)
            if len(sent) == hangs_up_after:
                left.set()
                await asyncio.sleep(0.01)

        await Bridge(application, pool)(dict(SCOPE), receive, send)

    with ThreadPoolExecutor(1) as pool:
        asyncio.run(exchange(pool))
    return response, sent


def test_a_long_answer_is_sent_piece_by_piece_to_its_end():
    response, sent = answered(hangs_up_after=None)
    assert (response.made, response.closed) == (PARTS, True)
    assert len(sent) == PARTS + 2
    assert not sent[-1].get("more_body")


def test_nothing_more_is_made_for_a_reader_who_hung_up():
    response, _sent = answered(hangs_up_after=3)
    assert response.closed
    assert response.made < 10
