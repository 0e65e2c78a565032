"""What stands in the columns of the ledger is what stands in the signed payload."""

import json

import pytest
import rfc8785

from approvals.lifecycle.finish import finish_permit
from approvals.states import PermitStatus
from portal.ledger.chain import MAX_PAYLOAD_BYTES, leaf_hash
from portal.ledger.models import Entry
from portal.ledger.record import new_entry
from tests.factories import ask, decide, redeem

pytestmark = pytest.mark.django_db


def test_columns_and_payload_agree_in_every_entry(who):
    request = decide(ask(who), who.alice)
    permit = redeem(who, request)
    finish_permit(
        token=who.token, permit_id=permit.id, run_id=request.run["id"], run_attempt=1,
        outcome=PermitStatus.FAILED, exit_code=3,
    )  # fmt: skip
    decide(ask(who), who.bob, "reject", "Not today")
    ask(who, "testing")
    entries = list(Entry.objects.all())
    assert {"permit.finished", "request.rejected", "request.denied", "member.added"} <= {
        entry.type for entry in entries
    }
    for entry in entries:
        payload = json.loads(bytes(entry.payload))
        assert payload["id"] == str(entry.event_id)
        assert payload["type"] == entry.type
        assert payload["actor"]["ref"] == entry.actor_ref
        assert payload["outcome"] == entry.outcome
        assert payload["project"] == (str(entry.project) if entry.project else None)
        assert payload["request"] == (str(entry.request) if entry.request else None)
        assert bytes(entry.payload) == rfc8785.dumps(payload), "canonical, says somebody else"
        assert bytes(entry.leaf) == leaf_hash(bytes(entry.payload))


def test_no_name_address_or_free_text_stands_in_any_entry(who):
    request = decide(ask(who, reason="Ship the secret sauce"), who.alice, comment="Looks tasty")
    redeem(who, request)
    everything = b"\n".join(bytes(entry.payload) for entry in Entry.objects.all()).decode()
    for text in ("secret sauce", "tasty", "Alice", "alice@example.com", "Carol"):
        assert text not in everything


def test_a_payload_that_is_too_large_is_refused_before_it_is_written(who):
    from portal.ledger.actors import SYSTEM

    with pytest.raises(ValueError, match="over 61440"):
        new_entry("key.created", actor=SYSTEM, object={"id": "x" * MAX_PAYLOAD_BYTES})
