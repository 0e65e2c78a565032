"""The gate's waiting: an answer that says "still waiting" is held back until there is news."""

import asyncio
import time

from approvals.ci.body import MAX_BODY_WITH_PLAN
from approvals.ci.wait import first_of
from portal.kernel.asgi import App, Message, Receive, Scope, Send, TooLarge, gone, read_body
from portal.ledger.listen import Hub

WAIT = 50.0
TICK = 15.0
PAUSE = 0.1  # between two steps: our own drift wakes us too
MAX_BODY = MAX_BODY_WITH_PLAN + 1
HEADER = b"countersign-request"


async def park_gate(
    scope: Scope, receive: Receive, send: Send, *, hub: Hub, application: App
) -> None:
    """Run the call through `application`; while it answers 307, wait for news and run it again.

    Each run is the same idempotent POST, so a lost connection costs nothing.
    """
    try:
        body = await read_body(receive, MAX_BODY)
    except TooLarge:
        body = b" " * MAX_BODY  # the parser refuses it with its own words
    except ConnectionError:
        return
    hung_up = asyncio.ensure_future(gone(receive))
    try:
        answer = await _until_news(scope, body, hub, application, hung_up)
    finally:
        hung_up.cancel()
    for message in answer:
        await send(message)


async def _until_news(
    scope: Scope, body: bytes, hub: Hub, application: App, hung_up: "asyncio.Future[None]"
) -> list[Message]:
    """Step after step until there is an answer, time is up, or nobody listens any more.

    A step may redeem: it is never taken for a client that hung up.
    """
    ends = time.monotonic() + WAIT
    answer = await _once(scope, body, application)
    found = _request_of(answer)
    if not found:
        return answer
    with hub.watch(found) as watch:  # subscribed first, then looked again: no news is missed
        while not hung_up.done():
            answer = await _once(scope, body, application)
            left = ends - time.monotonic()
            if _request_of(answer) != found or left <= 0 or hub.closed.is_set():
                break
            await first_of(watch, hung_up, min(left, TICK))
            await asyncio.sleep(PAUSE)
    return answer


async def _once(scope: Scope, body: bytes, application: App) -> list[Message]:
    kept: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def keep(message: Message) -> None:
        kept.append(message)

    await application(scope, receive, keep)
    return kept


def _request_of(answer: list[Message]) -> str:
    """The id of the request a 307 is about; empty for any other answer."""
    start = answer[0]
    if start["status"] != 307:
        return ""
    return next((v.decode() for k, v in start["headers"] if k == HEADER), "")
