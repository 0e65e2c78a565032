"""The queue page of people who see few, some and all of 10,000 and of 100,000 pending requests."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter

from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.queries import QueueFilters, queue_page
from bench.company import found_company
from bench.figures import Figure
from bench.many import Place, copy_requests
from bench.world import Database
from portal.access import grant_role
from portal.access.models import Organisation
from portal.accounts.models import User
from portal.directory.environments import create_environment
from portal.directory.groups import add_member, create_group
from portal.directory.projects import create_project
from tests.factories import Company, ask, person

PROJECTS, TEAMS = 200, 40
SIZES = (10_000, 100_000)
OVER = 100_000  # ended ones, beside which the pending must be found
REPETITIONS = 21


@dataclass(frozen=True)
class Cost:
    """What one page costs: queries, the most time that one of them takes, the blocks of what
    reads the rows and of what counts the tabs up to 500."""

    queries: int
    seconds: float
    blocks: int
    counting: int
    page_seconds: float


def run(base: Database) -> list[Figure]:
    """Three people, two tabs, two sizes."""
    company = found_company()
    places = _places(company)
    readers = _readers(company, places)
    model, url = ask(company), base.server.owner_url
    costs: dict[tuple[str, str, int], Cost] = {}
    there = 0
    for size in SIZES:
        over, ago = (0, 0) if there else (OVER, max(SIZES) - size)
        copy_requests(url, model, places, pending=size - there, over=over, ago=ago)
        there = size
        for who, reader in readers.items():
            for tab in ("you", "all"):
                costs[who, tab, size] = _cost(reader, tab)
    return [
        figure for who in readers for tab in ("you", "all") for figure in _figures(costs, who, tab)
    ]


def _figures(costs: dict[tuple[str, str, int], Cost], who: str, tab: str) -> list[Figure]:
    small, large = (costs[who, tab, size] for size in SIZES)
    name = f"queue page, sees {who}, tab {tab}"
    ratio = large.seconds / small.seconds
    note = f"page p50 {large.page_seconds * 1000:.0f} ms"
    return [
        Figure(f"{name}: queries", large.queries, at_most=12, note=note),
        Figure(f"{name}: slowest query p50", large.seconds * 1000, " ms", at_most=10),
        Figure(f"{name}: blocks of the query for the rows", large.blocks, at_most=400),
        Figure(f"{name}: blocks of the three counts", large.counting),
        Figure(f"{name}: 100,000 / 10,000 pending", ratio, at_most=1.5),
    ]


def _places(company: Company) -> list[Place]:
    teams = [create_group(by=company.admin, name=f"team-{n}") for n in range(TEAMS)]
    places = []
    for n in range(PROJECTS):
        project = create_project(by=company.admin, slug=f"service-{n}", name=f"Service {n}")
        where = create_environment(
            by=company.admin, project=project, name="production", tier="production"
        )
        places.append(Place(where, teams[n % TEAMS]))
    return places


def _readers(company: Company, places: list[Place]) -> dict[str, User]:
    """Few: one project and a team. Some: a tenth of the projects, three teams. All: an auditor."""
    admin = company.admin
    few, some, everything = (person(admin, name) for name in ("Few", "Some", "All"))
    for reader, count, teams in ((few, 1, 1), (some, PROJECTS // 10, 3), (everything, 0, 3)):
        for place in places[:count]:
            grant_role(by=admin, to=reader, role="viewer", target=place.environment.project)
        for place in places[PROJECTS // 2 : PROJECTS // 2 + teams]:
            add_member(by=admin, group=place.team, person=reader)
    grant_role(by=admin, to=everything, role="auditor", target=Organisation.objects.get())
    return {"few": few, "some": some, "all": everything}


def _cost(reader: User, tab: str) -> Cost:
    def page() -> object:
        return queue_page(reader, QueueFilters(tab=tab))

    page()
    with CaptureQueriesContext(connection) as captured:
        page()
    statements = [query["sql"] for query in captured.captured_queries]
    return Cost(
        queries=len(statements),
        seconds=max(_median(partial(_execute, statement)) for statement in statements),
        blocks=_blocks(_only(statements, 'SELECT "approvals_request"')),
        counting=_blocks(_only(statements, "SELECT (SELECT max(id)")),
        page_seconds=_median(page),
    )


def _execute(statement: str) -> list[object]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _median(function: Callable[[], object]) -> float:
    took = []
    for _ in range(REPETITIONS):
        begun = perf_counter()
        function()
        took.append(perf_counter() - begun)
    return median(took)


def _only(statements: list[str], begins: str) -> str:
    (found,) = (statement for statement in statements if statement.startswith(begins))
    return found


def _blocks(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")
        plan = cursor.fetchone()[0]
    top = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
