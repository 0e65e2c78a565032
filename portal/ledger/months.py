"""Months of the ledger, by their first day; they begin at midnight in UTC. Pure."""

from datetime import UTC, date, datetime, time

NAME = "%Y-%m"


def name_of(month: date) -> str:
    """A month as people and commands write it: `2025-01`."""
    return month.strftime(NAME)


def month_named(text: str) -> date:
    """The month of such a name. Raises ValueError."""
    return datetime.strptime(text, NAME).date()


def month_at(moment: datetime) -> date:
    """The month that a moment is in."""
    return moment.astimezone(UTC).date().replace(day=1)


def later(month: date, months: int) -> date:
    """The month so many months later."""
    years, number = divmod(month.year * 12 + month.month - 1 + months, 12)
    return date(years, number + 1, 1)


def bounds_of(month: date) -> tuple[datetime, datetime]:
    """The moment a month begins, and the one before which it ends."""
    begin, end = (datetime.combine(day, time(), UTC) for day in (month, later(month, 1)))
    return begin, end
