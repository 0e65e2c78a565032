"""Work that stands in rows: each says when it is due, and who takes it moves that time ahead.

That is a lease: a killed worker's work comes up again by itself, and two never do the same.
"""

import random
from datetime import timedelta
from typing import TypeVar

from django.db import models, transaction

from portal.kernel.clock import now


class Due(models.Model):
    """A row with something to be done at `next_try`, never where that is None. `attempts` counts
    those since it went well last."""

    attempts = models.PositiveIntegerField(default=0)
    next_try = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


D = TypeVar("D", bound=Due)


@transaction.atomic
def take(rows: models.QuerySet[D], lease: timedelta) -> D | None:
    """The first of `rows` that is due and that nobody else takes just now; ours for `lease`."""
    at = now()
    row = rows.select_for_update(skip_locked=True).filter(next_try__lte=at).first()
    if row is None:
        return None
    row.attempts += 1
    row.next_try = at + lease
    row.save(update_fields=["attempts", "next_try"])
    return row


def held(taken: D) -> D | None:
    """The row as it is now, locked; None when the lease is not ours any more."""
    rows = type(taken)._default_manager.filter(pk=taken.pk, next_try=taken.next_try)
    return rows.select_for_update().first()


def pause(attempts: int, first: float, longest: float) -> timedelta:
    """How long to wait after so many failures: seconds that double from `first` to `longest`."""
    seconds = min(longest, first * 2 ** min(attempts - 1, 10))
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311  (jitter)


def about(every: timedelta) -> timedelta:
    """`every`, a little more or less, so that what began together does not go on together."""
    return every * random.uniform(0.9, 1.1)  # noqa: S311  (jitter)
