"""The gate's waiting: an answer that says "still waiting" is held back until there is news."""

import time

from portal.kernel.asgi import App, Message, Receive, Scope, Send, TooLarge, read_body
from portal.ledger.listen import Hub

WAIT = 50.0
TICK = 15.0
MAX_BODY = 64 * 1024 + 1
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
    ends = time.monotonic() + WAIT
    watched = ""
    while True:
        with hub.watch(watched or "none") as watch:
            answer = await _once(scope, body, application)
            found = _request_of(answer)
            left = ends - time.monotonic()
            if not found or left <= 0 or hub.closed.is_set():
                break
            if watched == found:
                await watch.next(min(left, TICK))
            watched = found  # first time: subscribe, then look again
    for message in answer:
        await send(message)


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
