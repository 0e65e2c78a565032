"""A backtest of 100,000 stored requests, beside reading the same rows and the raw CEL engine.

Two policies took part in each: the ten rules of `bench.verdict`, of which one changes, and a small
one for everything. The work is done in a process of its own, as a worker does it, so that its
memory can be told.
"""

import subprocess
import sys
from statistics import median
from time import perf_counter
from uuid import UUID

import psycopg

from approvals.backtest.start import Wish, start_backtest
from approvals.context.registry import SOURCES
from approvals.lifecycle.enrich import read_source
from approvals.models import Request
from bench.figures import Figure
from bench.many import Place, copy_requests
from bench.verdict import POLICY, VALUES
from bench.world import CHECKOUT, Database
from policies.language.parse import parse_policy
from policies.publishing import save_version
from portal.accounts.authentication import authenticate_token
from portal.directory.groups import add_member, create_group
from portal.directory.models import ApproverGroup, Project
from tests import factories

REQUESTS, FEWER = 100_000, 10_000
ENGINE_CALLS = 2_000
WIDE = """\
policy: everything
facts: v1
match: {projects: ["**"], environments: ["**"], actions: ["**"]}
rules:
  - {id: testing, when: "request.tier == 'testing'", deny: "Nothing runs there."}
  - {id: production, when: "request.tier == 'production'", require: {count: 1, from: [leads]}}
default: {require: {count: 1, from: [leads]}}
"""
VARIED = "jsonb_set(m.facts, '{git.diff_lines,value}', to_jsonb(550 + copies.n % 10 * 10))"
COPY = """
COPY (SELECT r.id, r.action, v.outcome, v.body -> 'policies', v.body -> 'obligations', s.facts
      FROM approvals_request r JOIN approvals_verdict v ON v.id = r.verdict_id
      JOIN approvals_snapshot s ON s.id = v.snapshot_id ORDER BY r.id) TO STDOUT (FORMAT binary)
"""


def run(base: Database) -> list[Figure]:
    """Seconds against the bar, the two ratios, and memory with a tenth and with all of them."""
    backtests = _prepare(base)
    fewer, more = (_in_own_process(base, backtests[n]) for n in (FEWER, REQUESTS))
    reading, engine = _copy_seconds(base), _engine_seconds()
    return [
        Figure(f"backtest of {REQUESTS:,} stored requests", more[0], " s", at_most=60),
        Figure("the same / COPY of the same rows", more[0] / reading, note=f"{reading:.2f} s"),
        Figure("the same / raw CEL engine", more[0] / engine, note=f"{engine:.1f} s"),
        Figure(
            "peak memory of worker and one helper, 100,000 / 10,000",
            more[1] / fewer[1],
            at_most=1.1,
            note=f"{more[1]:.0f} / {fewer[1]:.0f} MiB",
        ),
    ]


def _prepare(base: Database) -> dict[int, UUID]:
    """The stored requests, and a backtest over each number of them that nobody has begun."""

    who = factories.company(policy=WIDE.replace("leads", "team-leads"))
    for name in ("leads", "dba", "on-call"):
        group = create_group(by=who.admin, name=name)
        for member in (who.alice, who.bob):
            add_member(by=who.admin, group=group, person=member)
    ten = factories.put_in_force(who.admin, who.deputy, POLICY)
    team = ApproverGroup.objects.get(name="team-leads")  # whom the first obligation asks
    copy_requests(
        base.server.owner_url, _model(who), [Place(who.production, team)],
        pending=0, over=REQUESTS, facts=VARIED,
    )  # fmt: skip
    found = {}
    for number in (FEWER, REQUESTS):
        text = POLICY.replace("> 500", f"> {550 + number // FEWER}")  # another document each
        version = save_version(by=who.admin, policy=ten.policy, text=text)
        found[number] = start_backtest(by=who.admin, version=version, wish=Wish(most=number))[0].pk
    return found


def _model(who: factories.Company) -> Request:
    """A pending request whose git facts are those of `bench.verdict`."""

    git = {name: value for name, value in VALUES.items() if name.startswith("git.")}
    git["git.paths"] = list(git["git.paths"])  # type: ignore[call-overload]
    SOURCES["git"].read = lambda question: git  # type: ignore[method-assign]
    Project.objects.update(repository="/played")
    who.token = authenticate_token(who.secret)
    request = factories.ask(who)
    read_source(request.pk, "git")
    request.refresh_from_db()
    if request.status != "pending" or len(request.verdict.body["policies"]) != 2:
        raise RuntimeError(f"the model is {request.status}: {request.ended_reason}")
    return request


def _in_own_process(base: Database, backtest: UUID) -> tuple[float, float]:
    """Seconds and MiB at most."""
    command = [sys.executable, "-m", "bench.backtest_worker", str(backtest)]
    done = subprocess.run(
        command, env=base.environment, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True
    )
    seconds, mebibytes = done.stdout.split()
    return float(seconds), float(mebibytes)


def _copy_seconds(base: Database) -> float:
    took = []
    for _ in range(3):
        begun = perf_counter()
        with psycopg.connect(base.server.owner_url) as one, one.cursor().copy(COPY) as rows:
            for _row in rows:
                pass
        took.append(perf_counter() - begun)
    return median(took)


def _engine_seconds() -> float:
    """The conditions of both policies on values at hand, for all requests."""

    rules = [rule for text in (POLICY, WIDE) for rule in parse_policy(text).rules]
    handed = [(r.when._program, {name: VALUES[name] for name in r.when.reads}) for r in rules]
    begun = perf_counter()
    for _ in range(ENGINE_CALLS):
        for program, values in handed:
            program.run(values)  # type: ignore[arg-type]
    return (perf_counter() - begun) / ENGINE_CALLS * REQUESTS
