"""Waking workers after commit. A message only wakes: what must be done stands in the rows.

`on_commit` puts the id on a bounded in-process queue; one daemon thread hands it to the broker and,
when that fails, stays away for a while, so that a dead or frozen broker never slows a request. What
is dropped here is found by the sweep.
"""

import logging
import queue
import threading
import time
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction

log = logging.getLogger(__name__)

_PAUSE = 5.0
EXPIRES = 30  # seconds: a sweep says it again, so old messages must not pile up
_waiting: queue.Queue[tuple[str, tuple[Any, ...]]] = queue.Queue(maxsize=10_000)
_started = threading.Lock()
_thread: threading.Thread | None = None


def wake(task: str, *arguments: Any) -> None:
    """After the transaction commits, ask a worker to run `task` (a registered name)."""
    if settings.CELERY_BROKER_URL:
        transaction.on_commit(lambda: publish(task, *arguments))


def publish(task: str, *arguments: Any) -> None:
    """Ask a worker now, without waiting for the broker."""
    _put(task, arguments)


def _put(task: str, arguments: tuple[Any, ...]) -> None:
    _ensure_thread()
    try:
        _waiting.put_nowait((task, arguments))
    except queue.Full:
        log.warning("too many messages wait for the broker; the sweep will find %s", task)


def _ensure_thread() -> None:
    global _thread
    with _started:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_publish_all, name="announce", daemon=True)
            _thread.start()


def _publish_all() -> None:
    while True:
        task, arguments = _waiting.get()
        try:
            current_app.send_task(task, args=arguments, ignore_result=True, expires=EXPIRES)
        except Exception as error:  # whatever the broker's client raises: the sweep covers it
            log.warning("the broker does not take messages (%s); again in %g s",
                        type(error).__name__, _PAUSE)  # fmt: skip
            time.sleep(_PAUSE)
