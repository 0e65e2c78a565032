"""Parked calls of pipelines: long polls and streams, woken by the hub.

Subscribe first, then read the row. What a notification says is never trusted: every answer comes
from a fresh read with a fresh check of the token.
"""

import asyncio
import logging
import time
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import orjson
from django.db import DatabaseError
from django.http import HttpResponse

from approvals.ci.identity import token_of
from approvals.ci.present import present_request
from approvals.ci.problems import problem, problem_of
from approvals.models import Request
from approvals.queries import readable_by
from portal.kernel.asgi import (
    SSE_HEADERS,
    InPool,
    Receive,
    Scope,
    Send,
    gone,
    header,
    send_response,
)
from portal.kernel.database import gives_back
from portal.ledger.listen import Hub, News, Watch

log = logging.getLogger(__name__)

MOST_WAIT = 60
TICK = 15.0  # seconds after which parked calls learn what no notification told them


@gives_back
def read_now(authorization: str, request_id: UUID) -> tuple[int, HttpResponse]:
    """One authorised read: the version and the whole answer; -1 with why there is none."""
    try:
        found = readable_by(token_of(authorization), request_id)
        body = orjson.dumps(present_request(found))
    except Exception as error:  # nothing outside makes an answer of it
        return -1, problem_of(error)
    response = HttpResponse(body, content_type="application/json")
    response["Countersign-Version"] = str(found.version)
    return found.version, response


def _number(query: dict[str, list[str]], name: str, default: int) -> int:
    text = query.get(name, [str(default)])[-1]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


async def wait_for_news(
    scope: Scope, receive: Receive, send: Send, *, hub: Hub, in_pool: InPool, request_id: UUID
) -> None:
    """`GET /requests/{id}?wait=&after=`: answer when the version is newer, or time is up."""
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    wait, after = _number(query, "wait", 0), _number(query, "after", 0)
    if not 0 <= wait <= MOST_WAIT or after < 0:
        text = f"`wait` is 0 to {MOST_WAIT} seconds, `after` is a version number."
        await send_response(send, problem(422, "invalid", text))
        return
    authorization = header(scope, b"authorization")
    ends = time.monotonic() + wait
    hung_up = asyncio.ensure_future(gone(receive))
    try:
        with hub.watch(str(request_id)) as watch:
            while True:
                version, response = await in_pool(read_now, authorization, request_id)
                left = ends - time.monotonic()
                if version < 0 or version > after or left <= 0 or hub.closed.is_set():
                    await send_response(send, response)
                    return
                if await first_of(watch, hung_up, left, seen=version):
                    return
    finally:
        hung_up.cancel()


@gives_back
def versions_of(requests: list[str]) -> list[News]:
    """Where these requests are now, in one query."""
    rows = Request.objects.filter(pk__in=requests).values_list("pk", "project", "version")
    return [News(str(pk), str(project), version) for pk, project, version in rows]


async def keep_telling(hub: Hub, in_pool: InPool) -> None:
    """Tell parked calls where their requests are, again and again: a notification is only a hint.

    One query for all of them; if each read for itself, thousands would read at the same moment.
    """
    while True:
        await asyncio.sleep(TICK)
        try:
            for news in await in_pool(versions_of, hub.watched()):
                hub.tell_parked(news)
        except DatabaseError as error:  # the next round tries again
            log.warning("cannot read where requests are: %s", str(error).strip()[:200])


async def first_of(
    watch: Watch, hung_up: "asyncio.Future[None]", seconds: float, *, seen: int = 0
) -> bool:
    """Wait for news later than version `seen`, or time; True when the client hung up meanwhile."""
    news = asyncio.ensure_future(_later_than(seen, watch, seconds))
    both: set[asyncio.Future[Any]] = {news, hung_up}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not news.done():
        news.cancel()
    return hung_up.done()


async def _later_than(seen: int, watch: Watch, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while (news := await watch.next(max(0.0, ends - time.monotonic()))) is not None:
        if news.resync or news.version > seen:
            return


async def stream_news(
    scope: Scope, receive: Receive, send: Send, *, hub: Hub, in_pool: InPool, request_id: UUID
) -> None:
    """`GET /requests/{id}/stream`: an event with id and version for each change; ids only."""
    authorization = header(scope, b"authorization")
    hung_up = asyncio.ensure_future(gone(receive))
    try:
        with hub.watch(str(request_id)) as watch:
            version, response = await in_pool(read_now, authorization, request_id)
            if version < 0:
                await send_response(send, response)
                return
            await send({"type": "http.response.start", "status": 200, "headers": list(SSE_HEADERS)})
            sent = 0
            while version >= 0 and not hub.closed.is_set():
                data = _event(request_id, version) if version > sent else b": still here\n\n"
                sent = max(sent, version)
                await send({"type": "http.response.body", "body": data, "more_body": True})
                if await first_of(watch, hung_up, TICK):
                    return
                version, _ = await in_pool(read_now, authorization, request_id)
            await send({"type": "http.response.body", "body": b""})
    finally:
        hung_up.cancel()


def _event(request_id: UUID, version: int) -> bytes:
    data = orjson.dumps({"id": str(request_id), "version": version}).decode()
    return f"id: {version}\nevent: request\ndata: {data}\n\n".encode()
