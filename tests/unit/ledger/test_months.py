"""Months of the ledger: named, counted, bounded."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from portal.ledger.archived import ArchivedMonth, Places
from portal.ledger.leaf import leaf_bytes, leaf_parts
from portal.ledger.months import bounds_of, later, month_at, month_named, name_of

MOMENT = datetime(2025, 1, 31, 23, 59, 59, 999999, tzinfo=UTC)


def test_a_month_has_its_name_and_the_name_its_month():
    assert name_of(date(2025, 1, 1)) == "2025-01"
    assert month_named("2025-01") == date(2025, 1, 1)
    for wrong in ("2025-13", "2025", "January", ""):
        with pytest.raises(ValueError):
            month_named(wrong)


@pytest.mark.parametrize(
    ("months", "found"),
    [(0, (2025, 1)), (11, (2025, 12)), (12, (2026, 1)), (-1, (2024, 12)), (-13, (2023, 12))],
)
def test_months_are_counted_over_the_turn_of_the_year(months, found):
    assert later(date(2025, 1, 1), months) == date(*found, 1)


def test_a_month_begins_and_ends_at_midnight_in_utc():
    begin, end = bounds_of(date(2025, 1, 1))
    assert (begin, end) == (datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC))
    assert begin <= MOMENT < end
    ahead = MOMENT.astimezone(timezone(timedelta(hours=14)))
    assert ahead.month == 2
    assert month_at(ahead) == date(2025, 1, 1)


def test_a_leaf_comes_apart_into_what_it_was_made_of():
    payload = b'{"a":"\\",\\"number\\":7}","number":3}'
    leaf = leaf_bytes(at=MOMENT, payload=payload, number=12)
    assert leaf_parts(leaf) == (MOMENT, payload, 12)
    for wrong in (b"", b"{}", leaf + b"\n", leaf.replace(b'"at"', b'"in"'), leaf[:-1]):
        with pytest.raises(ValueError):
            leaf_parts(wrong)


def test_the_month_of_a_leaf_is_found_where_months_mix():
    def month(number, *leaves):
        return ArchivedMonth(date(2025, number, 1), MOMENT, "", b"", 0, leaves)

    january, march = month(1, (0, 3), (4, 6)), month(3, (9, 12))
    places = Places([january, march])
    found = [places.month_of(leaf) for leaf in range(13)]
    assert [one.name[-1] if one else "-" for one in found] == [*"111-11---333-"]
    assert Places([]).month_of(0) is None
