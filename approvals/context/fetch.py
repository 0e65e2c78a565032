"""What a connected source asks its outside system through.

An answer is kept in a table and shared by everybody who asks the same: within its time it is not
asked again, and afterwards its ETag shows whether it still holds. One asks at a time; failures are
tried again while the budget lasts; breaker and limit of the connection are kept to.
"""

import hashlib
import random
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urljoin

import orjson

from approvals.context.answers import MOST_ETAG, Queue, keep_answer, last_answer, turn
from approvals.context.breaker import (
    note_alive,
    note_answer,
    note_failure,
    note_limit,
    require_closed,
    require_unlimited,
)
from approvals.context.limits import limit_of
from approvals.context.refused import NotAllowed, NotThere, Refused, refusal
from approvals.context.secrets import Secrets
from approvals.context.source import SourceFailed
from approvals.models import Connection, KeptAnswer
from portal.kernel.clock import now
from portal.kernel.database import let_go
from portal.kernel.outgoing import Got, OutgoingFailed, Reach, send

__all__ = ["Fetch", "NotAllowed", "NotThere", "Refused"]

TRIES = 3
FIRST_PAUSE = 0.2
_AGAIN = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
_GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_queue = Queue()

Pairs = Mapping[str, str] | Sequence[tuple[str, str]]


class Fetch:
    """Questions of one reading to one connection.

    `budget`: seconds for all of them. `time_to_live`: how old a kept answer may be, where the
    question does not say; nothing from before `not_before`, or before the connection's `heard_at`,
    is taken without asking whether it still holds; who sets it redeems, or tests the connection,
    and may use what is left of a limit. `patient`: keep to the breaker; who tests a
    connection does not.
    `observed_at` is the time of the oldest answer that was used. Threads may share one.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        budget: float,
        time_to_live: timedelta,
        not_before: datetime | None = None,
        patient: bool = True,
    ) -> None:
        self.settings: Mapping[str, Any] = connection.settings
        self.secrets = Secrets(connection.secrets)
        self.observed_at: datetime | None = None
        self._connection = connection
        self._reach = Reach(frozenset(connection.hosts), connection.private)
        self._budget = budget
        self._ends = time.monotonic() + budget
        self._time_to_live = time_to_live
        self._not_before = not_before
        self._patient = patient
        self._guard = threading.Lock()

    def json(
        self,
        address: str,
        *,
        params: Pairs = (),
        headers: Mapping[str, str] | None = None,
        max_age: timedelta | None = None,
        lasting: bool = False,
    ) -> Any:
        """GET `address` (a relative one stands below the setting `url`) and read it as JSON.

        `headers` carry what the other side wants, as its token; of them only `Accept` tells two
        questions apart. `lasting`: what is found there never changes, as of two commits by their
        ids, so it is as good as new whenever it was read. Raises NotThere, NotAllowed, Refused,
        SourceFailed.
        """
        wanted = {"Accept": "application/json", **(headers or {})}
        answer = self._get(address, params, wanted, max_age, lasting=lasting)
        return _json(bytes(answer.body))

    def text(
        self,
        address: str,
        *,
        params: Pairs = (),
        headers: Mapping[str, str] | None = None,
        max_age: timedelta | None = None,
        lasting: bool = False,
    ) -> str:
        """The same as text in UTF-8. Raises NotThere, NotAllowed, Refused, SourceFailed."""
        answer = self._get(address, params, headers or {}, max_age, lasting=lasting)
        body = bytes(answer.body)
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise SourceFailed("its answer is no text in UTF-8") from None

    def unkept(
        self,
        address: str,
        *,
        params: Pairs = (),
        headers: Mapping[str, str] | None = None,
    ) -> Got:
        """GET what must not be kept, as a token, or what counts with the headers of its answer.

        Raises NotThere, NotAllowed, Refused, SourceFailed.
        """
        got = self._ask("GET", self._url(address, params), headers or {}, b"")
        self._saw(now())
        _require_found(got.status)
        return got

    def post_json(
        self, address: str, body: Any, *, headers: Mapping[str, str] | None = None
    ) -> Any:
        """POST JSON, for systems that are asked that way; the answer is not kept.

        What is asked may arrive twice. Raises NotThere, SourceFailed.
        """
        wanted = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            **(headers or {}),
        }
        got = self._ask("POST", self._url(address, ()), wanted, orjson.dumps(body))
        self._saw(now())
        _require_found(got.status)
        return _json(got.body)

    def _url(self, address: str, params: Pairs) -> str:
        base = str(self.settings.get("url", "")).rstrip("/") + "/"
        url = address if "://" in address else urljoin(base, address.lstrip("/"))
        query = urlencode(params)
        return f"{url}{'&' if '?' in url else '?'}{query}" if query else url

    def _get(
        self,
        address: str,
        params: Pairs,
        headers: Mapping[str, str],
        max_age: timedelta | None,
        *,
        lasting: bool = False,
    ) -> KeptAnswer:
        url = self._url(address, params)
        key = self._key(url, headers.get("Accept", ""))
        since = now() - (self._time_to_live if max_age is None else max_age)
        since = max([since, *filter(None, (self._not_before, self._connection.heard_at))])
        answer = last_answer(self._connection.pk, key)
        if lasting and answer is not None and answer.status not in _GONE:
            return answer
        if answer is None or answer.asked_at < since:
            answer = self._in_turn(url, key, headers, since)
        self._saw(answer.asked_at)
        _require_found(answer.status)
        return answer

    def _key(self, url: str, accept: str) -> str:
        # The revision: what was answered to other settings or secrets is nobody's answer any more.
        question = "\n".join((str(self._connection.revision), accept, url))
        return hashlib.sha256(question.encode()).hexdigest()

    def _in_turn(
        self, url: str, key: str, headers: Mapping[str, str], since: datetime
    ) -> KeptAnswer:
        let_go()
        connection = self._connection.pk
        with _queue.turn(connection, key, self._left()) as first:
            if not first:
                raise self._late()
            with turn(connection, key, self._left()) as ours:
                answer = last_answer(connection, key)
                if answer is not None and answer.asked_at >= since:
                    return answer  # whoever was before us asked
                if not ours:
                    raise self._late()
                return self._renewed(answer, url, key, headers)

    def _renewed(
        self, old: KeptAnswer | None, url: str, key: str, headers: Mapping[str, str]
    ) -> KeptAnswer:
        begun = now()
        known = {"If-None-Match": old.etag} if old is not None and old.etag else {}
        got = self._ask("GET", url, {**headers, **known}, b"")
        if got.status == HTTPStatus.NOT_MODIFIED:
            if old is None or not known:
                raise SourceFailed(refusal(got.status))
            answer = old
        else:
            answer = KeptAnswer(
                connection=self._connection,
                key=key,
                status=got.status,
                body=got.body,
                etag=_etag(got),
            )
        answer.asked_at = begun
        keep_answer(answer)
        return answer

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Got:
        """One answer that is good or says "not there"; tried again where that may help."""
        for attempt in range(TRIES):
            self._connection.refresh_from_db()
            require_unlimited(self._connection, urgent=self._not_before is not None)
            if self._patient and attempt == 0:
                require_closed(self._connection)
            got, why = self._once(method, url, headers, body)
            if got is not None:
                return got
            pause = FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311  (jitter)
            if attempt + 1 == TRIES or self._left() < 2 * pause:
                break
            time.sleep(pause)
        note_failure(self._connection)
        raise SourceFailed(why)

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[Got | None, str]:
        """The answer, or why asking again may help. Raises SourceFailed where it does not."""
        if self._left() <= 0:
            raise self._late()
        let_go()
        try:
            got = send(method, url, self._reach, headers=headers, body=body, seconds=self._left())
        except OutgoingFailed as failure:
            if failure.later:
                return None, str(failure)
            note_failure(self._connection)
            raise SourceFailed(str(failure)) from None
        limit = limit_of(got.status, got.headers, now())
        if got.status < 300 or got.status in _GONE or got.status == HTTPStatus.NOT_MODIFIED:
            note_answer(self._connection, limit)
            return got, ""
        if limit.until is not None:
            note_limit(self._connection, limit)
            raise SourceFailed(f"it allows no more questions before {limit.until:%H:%M:%S} UTC")
        if got.status in _AGAIN:
            return None, f"its server answers {got.status}"
        if got.status >= 500:
            note_failure(self._connection)
            raise SourceFailed(refusal(got.status))
        note_alive(self._connection)
        raise (NotAllowed if got.status == HTTPStatus.FORBIDDEN else Refused)(got)

    def _left(self) -> float:
        return self._ends - time.monotonic()

    def _late(self) -> SourceFailed:
        return SourceFailed(f"no answer within {self._budget:g} s")

    def _saw(self, moment: datetime) -> None:
        with self._guard:
            self.observed_at = min(self.observed_at or moment, moment)


def _require_found(status: int) -> None:
    if status in _GONE:
        raise NotThere("it has no such thing (404)")


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise SourceFailed("its answer is no JSON") from None


def _etag(got: Got) -> str:
    """An ETag to send again; nothing where it could not be stored or sent."""
    etag = got.headers.get("etag", "")
    return etag if len(etag) <= MOST_ETAG and etag.isascii() and etag.isprintable() else ""
