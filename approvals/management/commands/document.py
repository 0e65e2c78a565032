"""`manage.py document`: write the reference pages that code knows best; `--check` compares."""

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from approvals.context.connected import ConnectedSource
from approvals.context.registry import OURS, SOURCES, VOLATILE
from approvals.context.source import Source
from approvals.queries.risky import PLACES
from approvals.states import OPEN, PERMIT_TRANSITIONS, TRANSITIONS, Status
from policies.language.reference import fact_tables, family_table
from policies.language.schema import CURRENT_SCHEMA
from portal.ledger.events import COMMON, EVENTS, HISTORY, EventType

HEAD = (
    "# {title}\n\nMade by `manage.py document` from `{source}`; change the code, not this page.\n"
)
Moves = Mapping[tuple[Any, Any], str]


class Command(BaseCommand):
    help = (
        "Write the pages of docs/reference that the code knows best: states, events, facts, paths."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing, fail if different")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.BASE_DIR) / "docs" / "reference"
        stale = {n: text for n, text in pages().items() if _read(folder / n) != text}
        if options["check"]:
            if stale:
                raise CommandError(f"Out of date: {', '.join(stale)}. Run: manage.py document")
            return
        for name, text in stale.items():
            (folder / name).write_text(text, encoding="utf-8")
            self.stdout.write(f"wrote docs/reference/{name}")


def pages() -> dict[str, str]:
    """The text of each generated page, by file name."""
    return {
        "states.md": states_page(),
        "events.md": events_page(),
        "facts.md": facts_page(),
        "paths.md": paths_page(),
    }


def paths_page() -> str:
    """Which changed files stand first on the page of a request."""
    head = HEAD.format(title="Risky paths", source="approvals/queries/risky.py")
    rows = [
        f"| {place} | {' '.join(f'`{glob}`' for glob in globs)} |"
        for place, globs in PLACES.items()
    ]
    return "\n".join(
        [
            head,
            "The page of a request lists the files that differ from what runs, and these first:\n",
            "1. What a rule of the policies that judged it names: the glob of `matches_path`, the",
            "   text of `startsWith` and `endsWith` in a condition on `git.paths`, and",
            "   `'FILE' in git.paths`. The rule stands beside the file.",
            "2. Places where a small change does much, whatever policy says:\n",
            "| place | paths |\n| --- | --- |",
            *rows,
            "\nInside each, the larger change comes first. The order is for the eye only: it asks",
            "nobody and lets nothing through. For that, name the paths in a policy.\n",
        ]
    )


def states_page() -> str:
    """Both state machines: a picture and a table each."""
    return "\n".join(
        [
            HEAD.format(title="States", source="approvals/states.py"),
            "PostgreSQL holds the same moves in the table `approvals_move`, and a trigger refuses",
            "every other one.\n",
            "## Request\n",
            _picture(TRANSITIONS, first=Status.SUBMITTED),
            _moves(TRANSITIONS),
            f"Open: {_code(sorted(OPEN))}. From any other status nothing leads on.\n",
            "`blocked` is a verdict, not a status: the request stays pending and says which fact",
            "is missing.\n",
            "## Permit\n",
            _picture(PERMIT_TRANSITIONS, first="issued"),
            _moves(PERMIT_TRANSITIONS),
        ]
    )


def events_page() -> str:
    """Every kind of ledger entry, and what its payload may carry."""
    return "\n".join(
        [
            HEAD.format(title="Events", source="portal/ledger/events.py"),
            "Every ledger entry has one of these types. Names are data: they are never renamed.",
            f"Every payload carries {_code(sorted(COMMON))}; an entry of a request's history also",
            f"{_code(sorted(HISTORY))}, the gap-free number in that history and the hash of the",
            "entry before. The parts below may be there besides.\n",
            "## History of a request\n",
            _events(event for event in EVENTS.values() if "round" in event.parts),
            "## Everything else\n",
            _events(event for event in EVENTS.values() if "round" not in event.parts),
        ]
    )


def facts_page() -> str:
    """Where facts come from, and all of them."""
    rows = ["| source | gives | read | shown for | unknown because |", "|---|---|---|---|---|"]
    rows += [_source(source) for source in SOURCES.values()]
    rows += [_connected(source) for source in OURS]
    title = f"Facts ({CURRENT_SCHEMA})"
    head = HEAD.format(title=title, source="policies/language/vocabulary/")
    return "\n".join(
        [
            head,
            "A policy may name these facts. **Attested**: the portal fetched or verified it.",
            "**Claimed**: only the caller says so; it can tighten a verdict, never loosen it.\n",
            "## Sources\n",
            *rows,
            "",
            "At redeem, every remote source with a fact that the pinned policies read or hold is",
            f"read again. {_code(sorted(VOLATILE))} move by themselves: a new value of theirs is",
            "not shown as a change.\n",
            "## Facts\n",
            "Facts with one first word are a group. Where no source is connected for one that a",
            "policy reads, it is unknown, and what reads it fails closed.\n",
            fact_tables(CURRENT_SCHEMA),
            "## Families\n",
            "What an outside system measures has the name that its connection gives it, of a type",
            "that the first word fixes; so a policy that reads it can be checked without the",
            "portal. NAME is lower-case letters, digits and underscores, begins with a letter, and",
            "has at most 50 characters; it is not `in`, `true`, `false` or `null`.\n",
            family_table(CURRENT_SCHEMA),
            "",
        ]
    )


def _source(source: Source) -> str:
    gives = _code(dict.fromkeys(fact.group for fact in source.fact_types()))
    if source.at_hand:
        return f"| {source.name} | {gives} | inside the POST | | {source.silence} |"
    shown = f"{source.time_to_live.total_seconds():g} s"
    read = f"by a worker, within {source.budget:g} s"
    return (
        f"| {source.name} | {gives} | {read} | {shown} | {source.silence}, or why reading failed |"
    )


def _connected(source: type[ConnectedSource]) -> str:
    read = f"through a connection, by a worker, within {source.budget:g} s"
    shown = f"{source.time_to_live.total_seconds():g} s"
    silent = f"{source.silence}, or why reading failed"
    return f"| {source.name} | {_code(source.gives)} | {read} | {shown} | {silent} |"


def _picture(moves: Moves, *, first: str) -> str:
    ends = {new for _, new in moves} - {old for old, _ in moves}
    lines = [f"    [*] --> {first}", *(f"    {old} --> {new}" for old, new in moves)]
    lines += [f"    {end} --> [*]" for end in sorted(ends)]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", ""])


def _moves(moves: Moves) -> str:
    rows = [f"| {old} | {new} | `{event}` |" for (old, new), event in moves.items()]
    return "\n".join(["| from | to | recorded as |", "|---|---|---|", *rows, ""])


def _events(events: Iterable[EventType]) -> str:
    rows = [f"| `{e.name}` | {e.meaning} | {_code(sorted(e.parts))} |" for e in events]
    return "\n".join(["| event | meaning | parts |", "|---|---|---|", *rows, ""])


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
