"""What a report is: a name, typed columns and one statement."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from approvals.audit.reports.parts import ENTRIES

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

Kind = Literal["text", "number", "time"]
MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.US'


@dataclass(frozen=True)
class Column:
    """One thing said of each row; `name` is for programs and never changes."""

    name: str
    title: "str | StrPromise"
    kind: Kind = "text"


@dataclass(frozen=True)
class Report:
    """`sql` gives the columns by their names, in the order of the rows.

    Its parameters are `since`, `until` (moments), `projects` (ids, or null for all and what
    belongs to none) and `environment` (id or null). `by`: the column the totals are counted by.
    `periodic`: whether the period narrows it; what holds now has none. `looks_back`: how long
    before the period it reads entries.
    """

    name: str
    title: "str | StrPromise"
    help: "str | StrPromise"
    columns: tuple[Column, ...]
    sql: str
    by: str
    periodic: bool = True
    looks_back: timedelta = timedelta(0)

    @property
    def of_entries(self) -> bool:
        """Whether its rows are entries of the period."""
        return ENTRIES in self.sql

    @property
    def reads_ledger(self) -> bool:
        """Whether it reads entries at all."""
        return "ledger_entry" in self.sql

    def statement(self) -> str:
        """All rows as they are written: a time in the reader's `zone`, and again in UTC."""
        wanted = ", ".join(part for column in self.columns for part in _written(column))
        return f"SELECT {wanted} FROM ({self.sql}) AS one"  # noqa: S608  (written in code)

    def first(self) -> str:
        """The first `most` rows as they are."""
        wanted = ", ".join(f"one.{column.name}" for column in self.columns)
        return f"SELECT {wanted} FROM ({self.sql}) AS one LIMIT %(most)s"  # noqa: S608

    def totals(self) -> str:
        """How many rows have each value of `by`, the most frequent first."""
        return (
            f"SELECT coalesce(one.{self.by}, ''), count(*) FROM ({self.sql}) AS one"  # noqa: S608
            " GROUP BY 1 ORDER BY 2 DESC, 1"
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what `statement` gives."""
        return tuple(
            name
            for column in self.columns
            for name in (
                (column.name, f"{column.name}_utc") if column.kind == "time" else (column.name,)
            )
        )


def _written(column: Column) -> tuple[str, ...]:
    value = f"one.{column.name}"
    if column.kind == "number":
        return (value,)
    if column.kind == "text":
        return (f"coalesce({value}::text, '')",)
    return (
        f"coalesce(to_char({value} AT TIME ZONE %(zone)s::text, '{MOMENT}'), '')",
        f"""coalesce(to_char({value} AT TIME ZONE 'UTC', '{MOMENT}"Z"'), '')""",
    )
