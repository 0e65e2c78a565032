"""Streams of the log as the sealer makes it."""

import json

import pytest

from approvals.audit.siem import leaves
from approvals.audit.siem.configure import create_stream
from approvals.audit.siem.leaves import Unreadable, newest_entry, next_entries
from approvals.audit.siem.queries import position_at, standing_of
from approvals.audit.siem.send import due_streams, send_stream
from portal.kernel.clock import now
from portal.kernel.ids import new_id
from portal.ledger.tiles import leaves_between

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_stream_of_a_project_sends_its_leaves_alone_as_they_were_sealed(
    who, collector, really_seal, write, monkeypatch
):
    start = really_seal()
    made, _ = create_stream(
        by=who.admin, name="shop", kind="json", address=f"{collector.url}/in",
        private=True, project=who.project,
    )  # fmt: skip
    assert (made.position, due_streams()) == (start, [])
    write(really_seal, 12, project=new_id())
    write(really_seal, 2, project=who.project.pk)
    size = write(really_seal, 7)
    monkeypatch.setattr(leaves, "WINDOW", 5)
    assert due_streams() == [made.pk]
    send_stream(made.pk)
    made.refresh_from_db()
    assert (made.position, made.error) == (size, "")
    sent = [one for body in collector.bodies for one in body["data"]["entries"]]
    kinds = ["stream.created", "evidence.read", "key.created", "key.created"]
    assert [one["leaf"]["entry"]["type"] for one in sent] == kinds
    for one in sent:
        assert one["leaf"]["entry"]["project"] == str(who.project.pk)
        assert [one["leaf"]] == [
            json.loads(leaf) for leaf in leaves_between(one["index"], one["index"] + 1)
        ]


def test_an_entry_that_was_archived_is_stated_never_passed_over(really_seal, write, monkeypatch):
    size = write(really_seal, 3)
    gone = f"= leaf.entry AND leaf.index <> {size - 2}"
    monkeypatch.setattr(leaves, "_NEXT", leaves._NEXT.replace("= leaf.entry", gone))
    before = next_entries(size - 3, size, None, 100)
    assert ([one.index for one in before.entries], before.end) == ([size - 3], size - 2)
    with pytest.raises(Unreadable, match=f"the entry of leaf {size - 2} is not in the ledger"):
        next_entries(size - 2, size, None, 100)
    assert len(next_entries(size - 1, size, None, 100).entries) == 1


def test_positions_and_lag_are_told_by_the_checkpoints(who, collector, really_seal, write):
    first = write(really_seal)
    between = now()
    size = write(really_seal, 2)
    assert position_at(between) == first
    assert position_at(now()) == size
    made, _ = create_stream(
        by=who.admin, name="siem", kind="json", address=f"{collector.url}/in", private=True
    )
    made.position = first
    standing = standing_of(made)
    assert (standing.size, standing.behind, standing.state) == (size, size - first, "unused")
    assert standing.since > between


def test_the_newest_entry_of_a_project_is_found(really_seal, write):
    project = new_id()
    size = write(really_seal, project=project)
    write(really_seal, 3)
    assert newest_entry(size + 3, project).index == size - 1
    assert newest_entry(size + 3, None).index == size + 2
    assert newest_entry(size + 3, new_id()) is None
