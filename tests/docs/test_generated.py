"""The generated pages are what the code says today."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from approvals.management.commands.document import pages
from approvals.states import PermitStatus, Status
from policies.language.schema import CURRENT_SCHEMA, SCHEMAS
from portal.ledger.events import EVENTS


def test_the_generated_pages_are_current():
    call_command("document", check=True)


def test_a_page_that_differs_fails_the_check_and_is_written_again(settings, tmp_path, capsys):
    settings.BASE_DIR = tmp_path
    folder = tmp_path / "docs" / "reference"
    folder.mkdir(parents=True)
    with pytest.raises(CommandError, match=r"states\.md, events\.md, facts\.md"):
        call_command("document", check=True)
    call_command("document")
    call_command("document", check=True)
    (folder / "events.md").write_text("old")
    with pytest.raises(CommandError, match=r"Out of date: events\.md\. Run"):
        call_command("document", check=True)


def test_the_pages_name_every_status_event_and_fact():
    texts = pages()
    reachable = set(PermitStatus) - {PermitStatus.REVOKED}
    for status in {*Status, *reachable}:
        assert f"| {status} |" in texts["states.md"]
    assert [name for name in EVENTS if f"| `{name}` |" not in texts["events.md"]] == []
    facts = SCHEMAS[CURRENT_SCHEMA]
    assert [name for name in facts if f"| `{name}` |" not in texts["facts.md"]] == []
