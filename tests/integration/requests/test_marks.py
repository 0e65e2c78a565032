"""What changed stays marked while the page reads itself again."""

import pytest

from approvals.lifecycle.receipt import ensure_signing_key
from approvals.lifecycle.redeem import Drift
from approvals.queries.page import request_page
from policies.models import Policy
from policies.publishing import publish_version, save_version
from tests.factories import STAGING_AUTO, ask, decide, redeem

pytestmark = pytest.mark.django_db


def test_the_marks_of_a_drift_survive_the_next_reading_of_the_live_parts(who):
    ensure_signing_key()
    held = STAGING_AUTO.replace("hold: [request.commit]", "hold: [history.last_outcome]")
    version = save_version(by=who.admin, policy=Policy.objects.get(), text=held)
    publish_version(by=who.deputy, version=version)
    first, other = decide(ask(who), who.alice), decide(ask(who), who.alice)
    finish(who, redeem(who, other))
    with pytest.raises(Drift):
        redeem(who, first)
    opened = request_page(who.alice, first.id)
    again = request_page(who.alice, first.id, seen=opened.decision.snapshot_digest)
    marks = {row.name for row in opened.changed}
    assert "history.last_outcome" in marks
    assert {row.name for row in again.changed} == marks


def finish(who, permit):
    from approvals.lifecycle.finish import finish_permit
    from approvals.states import PermitStatus

    run = permit.request.run
    finish_permit(
        token=who.token,
        permit_id=permit.id,
        run_id=run["id"],
        run_attempt=run["attempt"],
        outcome=PermitStatus.SUCCEEDED,
        exit_code=0,
    )
