"""The portal's own past as figures: how often, how quickly, how well, and how soon it is mended."""

from datetime import timedelta

import pytest

from approvals.context.collect import facts_at_hand, question_about
from approvals.lifecycle.finish import finish_permit, lead_time
from approvals.models import Permit
from approvals.states import PermitStatus
from policies.language.facts import Facts, Known, Unknown
from portal.kernel.clock import now, rfc3339
from tests.factories import ask, redeem

pytestmark = pytest.mark.django_db
AT = now()


@pytest.fixture
def ended(who):
    """Let one more request run on staging and end so, days ago; its permit."""

    def act(outcome, *, days=0.0, lead=None, **fields):
        request = ask(who, "staging", **fields)
        finish_permit(
            token=who.token, permit_id=redeem(who, request).id, run_id=request.run["id"],
            run_attempt=1, outcome=PermitStatus(outcome), exit_code=0,
        )  # fmt: skip
        rows = Permit.objects.filter(request=request)
        rows.update(finished_at=AT - timedelta(days=days), lead_time_s=lead)
        return rows.get()

    return act


@pytest.fixture
def figures(who):
    """The facts of `history` about one more request, by the rest of their name."""

    def read(environment="staging", **fields):
        states = facts_at_hand(question_about(ask(who, environment, **fields), AT))
        return {
            name.removeprefix("history."): state.value if isinstance(state, Known) else state
            for name, state in states.items()
            if name.startswith("history.")
        }

    return read


def test_where_nothing_ran_nothing_is_measured(figures):
    found = figures()
    assert (found["deploys_30d"], found["deploys_7d"], found["first_time"]) == (0, 0, True)
    for name in ("lead_time_s", "failure_rate_30d", "restore_time_s"):
        assert isinstance(found[name], Unknown), name
        assert "30 days" in found[name].reason


def test_what_ended_within_thirty_days_counts(ended, figures):
    for days, outcome in ((31, "failed"), (20, "failed"), (10, "succeeded"), (1, "failed")):
        ended(outcome, days=days)
    found = figures()
    assert (found["deploys_30d"], found["deploys_7d"], found["failures_7d"]) == (3, 1, 1)
    assert found["failure_rate_30d"] == pytest.approx(2 / 3)
    assert found["last_outcome"] == "failed"


def test_the_lead_time_is_the_median_of_those_that_were_measured(ended, figures):
    for lead in (100, None, 900, 300):
        ended("succeeded", days=1, lead=lead)
    assert figures()["lead_time_s"] == 300


def test_a_restore_takes_from_the_first_failure_to_the_next_success(ended, figures):
    for days, outcome in ((9, "succeeded"), (8, "failed"), (7, "failed"), (6, "succeeded")):
        ended(outcome, days=days)
    assert figures()["restore_time_s"] == 2 * 86400
    ended("failed", days=5)
    ended("succeeded", days=1)
    assert figures()["restore_time_s"] == 3 * 86400  # the median of two and four days
    ended("failed", days=0.5)
    assert figures()["restore_time_s"] == 3 * 86400, "what is not mended has no time yet"


def test_figures_are_of_one_environment_and_one_action(ended, figures):
    ended("failed")
    assert figures("production")["deploys_30d"] == 0
    assert figures(action="smoke-test")["deploys_30d"] == 0
    assert figures()["deploys_30d"] == 1


class TestLeadTime:
    """From the commit's own time, as it was read, to success."""

    def committed(self, request, value):
        state = value if isinstance(value, Unknown) else Known(value, "git", AT, "attested")
        request.snapshot.facts = Facts({"git.committed_at": state}).to_json()
        return request

    def test_it_is_measured_where_the_time_of_the_commit_was_read(self, who):
        request = self.committed(ask(who), rfc3339(AT - timedelta(hours=2)))
        assert lead_time(request, AT) == 7200

    @pytest.mark.parametrize(
        "said",
        [
            Unknown("being read", "pending"),
            "yesterday",
            "2026-11-24T09:00:00",  # whose time?
            "9999-12-31T00:00:00Z",  # committed after it was deployed
            "1970-01-01T00:00:00Z",
        ],
    )
    def test_what_cannot_be_is_no_measure(self, who, said):
        assert lead_time(self.committed(ask(who), said), AT) is None

    def test_a_failure_has_no_lead_time(self, ended):
        assert ended("failed").lead_time_s is None


def test_what_a_permit_is_for_never_changes(ended, who):
    from django.db import DatabaseError, transaction

    permit = ended("succeeded")
    assert permit.action == "deploy"
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Permit.objects.filter(pk=permit.pk).update(action="smoke-test")
