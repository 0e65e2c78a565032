"""A small backtest inside one call, for a policy repository's own pipeline. Nothing is stored.

Only the newest requests of one project, so that the answer comes at once; it never counts as a
backtest that somebody read.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from approvals.backtest.stored import VersionsThen, read_page
from approvals.models import Backtest, Request
from policies.language.document import DEFAULT_RULE, PolicyDocument
from policies.replaying import answer, ask
from policies.simulation import Change, Totals
from portal.accounts.models import ProjectToken
from portal.directory.models import Environment
from portal.kernel.canonical import sha256_digest

MOST = 500


@dataclass(frozen=True)
class SmallResult:
    """The sums, and each request that would get another verdict: id, change, people, unsure."""

    totals: Totals
    changed: list[tuple[UUID, Change, tuple[int, int], bool]]
    rules: dict[str, tuple[int, int]]


NOTHING = SmallResult(Totals(), [], {})


def replay_newest(
    token: ProjectToken, document: PolicyDocument, text: str, most: int
) -> SmallResult:
    """Judge the newest `most` requests of the token's project again, as if the document had been
    in force in place of every version of its policy. Stops early after a few seconds: `totals`
    says how many it got to."""
    places = _places(token)
    newest = Request.objects.filter(environment__in=places).order_by("-pk")
    ids = list(newest.values_list("pk", flat=True)[: min(most, MOST)])
    totals, changed = Totals(), []
    if ids:
        page = read_page(Backtest(environments=places, first=ids[-1], last=ids[0]), None, len(ids))
        proposed = (text, 0, sha256_digest(text.encode()))
        found = orjson.loads(answer(ask(proposed, VersionsThen().named_by(page.rows), page.rows)))
        totals = Totals.from_json(found["totals"])
        changed = [
            (page.requests[number], Change.read(change), (then, now), unsure)
            for number, change, then, now, unsure in found["changed"]
        ]
    names = [*(rule.id for rule in document.rules), DEFAULT_RULE]
    rules = {name: (totals.applies[name], totals.cannot_tell[name]) for name in names}
    return SmallResult(totals, changed, rules)


def _places(token: ProjectToken) -> list[Any]:
    """The environments the token may read."""
    allowed = set(token.environments.values_list("pk", flat=True))
    project = Environment.objects.filter(project=token.account.project_id)
    return [pk for pk in project.values_list("pk", flat=True) if not allowed or pk in allowed]
