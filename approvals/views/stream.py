"""`/live`: one event stream for a browser. It carries ids; the page re-reads what they name."""

import asyncio
import random
import re
import time
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse

from approvals.models import Request
from approvals.queries import Sight, in_sight, sight_of
from approvals.queries.visible import seen_with
from portal.accounts.models import User
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
from portal.kernel.clock import now
from portal.kernel.database import gives_back
from portal.ledger.listen import RESYNC, Hub, News, Watch
from portal.ledger.models import Entry

_SESSION_KEY = re.compile(r"[a-z0-9]{1,64}")
BEAT_EVERY = 15.0  # an event, not a comment: a browser's script does not see comments
SIGHT_EVERY = 30.0  # seconds; sign-in and permissions are read again after this at the latest
OVERLAP = 200  # numbers are given before commit, so a late one may be below the last one seen
MOST_CAUGHT_UP = 500


def same_origin(scope: Scope) -> bool:
    """Whether a page of this portal asks (ATTACKS E2); a missing Origin is a same-origin GET."""
    if header(scope, b"sec-fetch-site") not in {"", "same-origin", "none"}:
        return False
    origin = header(scope, b"origin")
    try:
        return not origin or urlsplit(origin).netloc == header(scope, b"host")
    except ValueError:  # an address that is none
        return False


@gives_back
def who_watches(cookies: str) -> Sight | None:
    """The signed-in person's sight, read now; None for nobody."""
    user = _signed_in(cookies)
    return sight_of(user) if user is not None else None


def _signed_in(cookies: str) -> User | None:
    try:
        found = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    if found is None or not _SESSION_KEY.fullmatch(found.value):
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(found.value)
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None


@gives_back
def is_seen(sight: Sight, request: str) -> bool:
    """Whether this request is one of those, by environment or group."""
    return in_sight(sight, UUID(request))


@gives_back
def missed(sight: Sight, position: int) -> list[News]:
    """Requests this person may see that changed after ledger `position`; RESYNC when too many."""
    rows = list(
        Entry.objects.filter(id__gt=position - OVERLAP, request__isnull=False)
        .order_by("-id")
        .values_list("request", "project", "id")[: MOST_CAUGHT_UP + 1]
    )
    if len(rows) > MOST_CAUGHT_UP:
        return [RESYNC]
    newest = {request: (project, number) for request, project, number in reversed(rows)}
    seen = Request.objects.filter(seen_with(sight), pk__in=list(newest))
    mine = set(seen.values_list("pk", flat=True))
    return [
        News(str(request), str(project), 0, number)
        for request, (project, number) in newest.items()
        if request in mine
    ]


async def live(scope: Scope, receive: Receive, send: Send, *, hub: Hub, in_pool: InPool) -> None:
    """The stream itself. Subscribes first, then catches up from `Last-Event-ID`."""
    cookies = header(scope, b"cookie")
    if not same_origin(scope):
        await send_response(send, HttpResponse("Another site asks.\n", status=403))
        return
    hung_up = asyncio.ensure_future(gone(receive))
    try:
        with hub.watch() as watch:
            sight = await in_pool(who_watches, cookies)
            if sight is None:
                await send_response(send, HttpResponse("Sign in first.\n", status=401))
                return
            await send({"type": "http.response.start", "status": 200, "headers": list(SSE_HEADERS)})
            await _write(send, b"retry: 2000\n\n")
            for news in await _first_news(header(scope, b"last-event-id"), sight, in_pool):
                await _write(send, _event(news))
            await _follow(watch, cookies, sight, send, hung_up, hub, in_pool)
    finally:
        hung_up.cancel()


async def _first_news(last_id: str, sight: Sight, in_pool: InPool) -> list[News]:
    if not last_id.isascii() or not last_id.isdigit():
        return [RESYNC]
    found: list[News] = await in_pool(missed, sight, int(last_id[:18]))
    return found


async def _follow(
    watch: Watch,
    cookies: str,
    sight: Sight,
    send: Send,
    hung_up: "asyncio.Future[None]",
    hub: Hub,
    in_pool: InPool,
) -> None:
    hung_up.add_done_callback(lambda _: watch.wake())
    said_at = time.monotonic()
    read_again_at = _next_reading(sight)
    while not hung_up.done() and not hub.closed.is_set():
        due = min(read_again_at, said_at + BEAT_EVERY)
        news = await watch.next(max(0.0, due - time.monotonic()))
        if news is not None and news.person:
            read_again_at = 0.0 if news.person == str(sight.person) else read_again_at
            news = None
        if time.monotonic() >= read_again_at:
            again: Sight | None = await in_pool(who_watches, cookies)
            if again is None:
                return  # signed out or deactivated: the browser reconnects and is refused
            sight, read_again_at = again, _next_reading(again)
        if news is not None and news.resync:
            await asyncio.sleep(random.uniform(0, 1))  # noqa: S311  (thousands must not all ask at once)
        if news is not None and await _tell(send, news, sight, in_pool):
            said_at = time.monotonic()
        elif time.monotonic() - said_at >= BEAT_EVERY:
            await _write(send, b"event: beat\ndata: {}\n\n")
            said_at = time.monotonic()
    await send({"type": "http.response.body", "body": b""})


def _next_reading(sight: Sight) -> float:
    """Not the same moment for all that were opened together, as after a restart.

    Where a role ends before, that moment.
    """
    after = SIGHT_EVERY * random.uniform(0.6, 1)  # noqa: S311  (jitter)
    if sight.until is not None:
        after = min(after, max(0.0, (sight.until - now()).total_seconds()))
    return time.monotonic() + after


async def _tell(send: Send, news: News, sight: Sight, in_pool: InPool) -> bool:
    """Send one event, if it concerns this person."""
    if not news.resync and not await _concerns(news, sight, in_pool):
        return False
    await _write(send, _event(news))
    return True


def _event(news: News) -> bytes:
    if news.resync:
        return b"event: resync\ndata: {}\n\n"
    data = orjson.dumps({"request": news.request, "version": news.version}).decode()
    return f"id: {news.position}\nevent: request\ndata: {data}\n\n".encode()


async def _concerns(news: News, sight: Sight, in_pool: InPool) -> bool:
    if sight.projects is None or UUID(news.project) in sight.projects:
        return True
    if not (sight.groups or sight.environments):
        return False
    return bool(await in_pool(is_seen, sight, news.request))


async def _write(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})
