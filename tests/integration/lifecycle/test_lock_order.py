"""Every writer takes the request's row first: nobody waits for each other for ever."""

import threading
import time

import psycopg
import pytest

from approvals.lifecycle.enrich import read_source
from approvals.models import Reading
from tests.conftest import worker_database
from tests.factories import ask
from tests.plugin import server_of_this_run

WAITING = """SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'"""


@pytest.mark.django_db(transaction=True)
def test_who_holds_a_request_may_still_end_its_readings(shop, git):
    """As withdrawing and expiry do, while a worker comes back with an answer."""
    request = ask(shop)

    def work():
        from django.db import connections

        try:
            read_source(request.id, "git")
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    url = server_of_this_run().url(database=worker_database())
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as watcher:
        holder.execute("SET lock_timeout = '5s'")
        holder.execute("SELECT 1 FROM approvals_request WHERE id = %s FOR UPDATE", [request.pk])
        worker.start()
        deadline = time.monotonic() + 10
        while watcher.execute(WAITING).fetchone() == (0,) and time.monotonic() < deadline:
            time.sleep(0.01)
        holder.execute(
            "UPDATE approvals_reading SET next_try = NULL WHERE request_id = %s", [request.pk]
        )
    worker.join(10)
    assert not worker.is_alive()
    reading = Reading.objects.get(request=request)
    assert (reading.state, reading.next_try) == ("wanted", None), "the late answer was dropped"
