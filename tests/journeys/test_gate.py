"""The clients' gate against the real portal: let through, held, rejected, cancelled, lost."""

import signal

import pytest

from tests.journeys.portal import eventually

pytestmark = pytest.mark.xdist_group("journeys")


def test_staging_is_let_through_without_anybody(portal, program):
    gate = portal.gate("staging", program=program)
    assert gate.end() == 0, gate.said
    assert "THE COMMAND RAN" in gate.said
    found = portal.request(gate.request)
    assert (found["status"], found["decisions"]) == ("redeemed", [])
    assert found["permit"]["status"] == "succeeded"


def test_production_is_held_until_a_team_lead_approves(portal, program, maria):
    gate = portal.gate(program=program, command='echo "with $COUNTERSIGN_PERMIT_ID"; exit 7')
    assert portal.until_pending(gate.request)["waiting_for"][0]["groups"] == ["team-leads"]
    assert "with " not in gate.said

    assert "Approved. Entry " in maria.decide(gate.request, comment="Looks right")
    assert gate.end() == 7, gate.said
    found = portal.request(gate.request)
    assert f"with {found['permit']['id']}" in gate.said
    assert found["permit"]["status"] == "failed"
    (decision,) = found["decisions"]
    assert (decision["person"], decision["comment"]) == ("Maria Costa", "Looks right")


def test_a_rejected_command_never_runs(portal, program, maria):
    gate = portal.gate(program=program)
    portal.until_pending(gate.request)
    maria.decide(gate.request, "reject", "Not today")
    assert gate.end() == 65
    assert "THE COMMAND RAN" not in gate.said
    assert portal.request(gate.request)["permit"] is None


def test_a_cancelled_run_withdraws_its_request(portal, program):
    gate = portal.gate(program=program)
    portal.until_pending(gate.request)
    gate.send(signal.SIGTERM)
    assert gate.end() == 128 + signal.SIGTERM
    assert "THE COMMAND RAN" not in gate.said
    assert portal.request(gate.request)["status"] == "withdrawn"


def test_the_permit_of_a_run_that_was_killed_is_lost(portal, maria):
    gate = portal.gate("staging", command="echo BEGAN; exec sleep 300")
    gate.says("BEGAN")
    permit = eventually(
        lambda: (found := portal.request(gate.request)["permit"])["status"] == "running" and found,
        "the first heartbeat",
    )
    gate.send(signal.SIGKILL)
    assert gate.end() == 128 + signal.SIGKILL
    portal.sql(
        "UPDATE approvals_permit SET heartbeat_at = heartbeat_at - interval '2 minutes'"
        " WHERE id = %s",
        permit["id"],
    )
    eventually(
        lambda: portal.request(gate.request)["permit"]["status"] == "lost",
        "the sweep finds the silent run",
    )
    assert "Lost: the run fell silent" in maria.read(f"/requests/{gate.request}")


def test_several_clients_of_one_run_attempt_run_the_command_once(portal, program):
    """A step that was started twice: everybody holds the permit, one may begin."""
    run = portal.new_run_id()
    mark = portal.home / f"once-{run}"
    same = ("--run-id", run, "--idempotency-key", run)
    command = f"echo ran >> '{mark}'; sleep 1"
    gates = [portal.gate("staging", *same, command=command, program=program) for _ in range(4)]
    assert sorted(gate.end() for gate in gates) == [0, 65, 65, 65], [gate.said for gate in gates]
    assert mark.read_text() == "ran\n"
    (request,) = {gate.request for gate in gates}
    assert portal.request(request)["permit"]["status"] == "succeeded"
