"""Where the keys of issuers come from, how long they count, and what an outage does."""

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from portal.accounts.trusts import keys as trust_keys
from portal.accounts.trusts.models import Trust
from portal.ledger.models import Entry
from tests import workloads
from tests.api import code
from tests.integration.outgoing.conftest import outside  # noqa: F401
from tests.outside import answer
from tests.workloads import exchange, github, key_set, signed

pytestmark = pytest.mark.django_db
NEXT = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def read(who, outside, monkeypatch):  # noqa: F811
    """A trust whose issuer answers at a server of ours; `passes` lets time go by for its keys."""
    outside.parts = [answer(json.dumps(workloads.KEYS).encode())]
    trust = workloads.trust(who, keys=None, keys_url=outside.url("/keys"), private=True)

    def passes(**time):
        trust.refresh_from_db()
        for name in ("keys_read_at", "keys_tried_at"):
            if at := getattr(trust, name):
                setattr(trust, name, at - timedelta(**time))
        trust.save()

    outside.passes = passes
    return outside


def changed():
    return Entry.objects.filter(type="trust.keys_changed").count()


def status(**how):
    return exchange(signed(github(), **how)).status_code


def test_they_are_read_once_and_again_after_an_hour(read):
    assert [status(), status()] == [200, 200]
    assert len(read.asked) == 1
    assert read.asked[0].startswith(b"GET /keys ")
    read.passes(hours=2)
    assert status() == 200
    assert (len(read.asked), changed()) == (2, 1), "the same keys are no change"


def test_a_key_that_is_new_makes_them_read_at_most_once_a_minute(read):
    assert status() == 200
    assert status(key=NEXT, kid="two") == 401
    assert len(read.asked) == 1, "just read"
    read.passes(minutes=2)
    read.parts = [answer(json.dumps(key_set((workloads.KEY, "one"), (NEXT, "two"))).encode())]
    assert status(key=NEXT, kid="two") == 200
    for number in range(5):
        assert status(key=NEXT, kid=f"made-up-{number}") == 401
    assert (len(read.asked), changed()) == (2, 2)


def test_keys_that_the_issuer_took_back_count_no_more(read):
    assert status() == 200
    read.parts = [answer(json.dumps(key_set((NEXT, "two"))).encode())]
    read.passes(hours=2)
    assert status() == 401
    assert status(key=NEXT, kid="two") == 200


@pytest.mark.parametrize(
    "outage",
    [answer(b"", 503), answer(b"<html>"), answer(b'{"keys": []}'), answer(b"x" * 300_000), b""],
)
def test_the_last_good_ones_count_through_an_outage_of_a_day(read, outage):
    assert status() == 200
    read.parts = [outage]
    read.passes(hours=20)
    assert status() == 200
    assert Trust.objects.get().keys_problem
    read.passes(hours=20)
    refused = exchange(signed(github()))
    assert (refused.status_code, code(refused)) == (503, "unavailable")
    assert "keys of the trust" in refused.json()["detail"]


def test_an_outage_before_the_first_reading_accepts_nobody(read):
    read.parts = [answer(b"", 500)]
    assert exchange(signed(github())).status_code == 503
    assert len(read.asked) == 1
    assert exchange(signed(github())).status_code == 503
    assert len(read.asked) == 1, "a minute is left to it"


def test_a_redirect_is_not_followed(read):
    read.parts = [answer(b"", 302, Location=read.url("/elsewhere"))]
    assert exchange(signed(github())).status_code == 503
    assert len(read.asked) == 1


def test_an_address_inside_this_network_is_asked_only_where_that_was_allowed(read):
    Trust.objects.update(private=False)
    assert exchange(signed(github())).status_code == 503
    assert not read.asked


def test_a_call_to_the_issuer_is_limited(read):
    assert trust_keys.SECONDS <= 10
    assert trust_keys.MOST_BYTES <= 1024 * 1024
