"""The calendar changes while requests are judged, decided and imported."""

import pytest

from approvals.lifecycle.look_again import look_again
from policies.freezes.exceptions import revoke_exception
from policies.freezes.importing import import_file
from policies.freezes.looks import due_looks
from policies.freezes.models import FreezeException, FreezeWindow
from policies.freezes.scope import Scope
from policies.freezes.windows import remove_window
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Refused
from portal.ledger.models import Entry
from tests.factories import STAGING_AUTO, ask, company, decide, redeem
from tests.freezes import a_freeze, an_exception
from tests.integration.freezes.conftest import POLICY
from tests.races.together import agree, behind, errors, together

pytestmark = pytest.mark.django_db(transaction=True)

FILE = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Holiday\r\n"
    f"DTSTART;VALUE=DATE:{now().year + 1}1224\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
).encode()


@pytest.fixture
def frozen(transactional_db):
    from approvals.lifecycle.receipt import ensure_signing_key

    ensure_signing_key()
    assert POLICY != STAGING_AUTO
    return company(POLICY)


def test_two_workers_at_one_look_judge_every_request_once(frozen):
    requests = [ask(frozen) for _ in range(4)]
    window = a_freeze(frozen.admin)
    results = together(*[lambda: look_again("window", window.pk)] * 2)
    assert errors(results) == []
    assert sorted(r.value for r in results) == [0, 4]
    assert {agree(r).status for r in requests} == {"denied"}


def test_an_approval_beside_a_new_freeze_never_becomes_a_permit(frozen):
    request = ask(frozen)
    window = a_freeze(frozen.admin)
    results = together(
        lambda: decide(ask_again(request), frozen.alice), lambda: look_again("window", window.pk)
    )
    assert set(errors(results)) <= {"Conflict", "SnapshotMoved", "Forbidden"}
    request = agree(request)
    assert request.status in {"approved", "denied"}
    with pytest.raises(Refused):
        redeem(frozen, request)
    assert agree(request).status == "denied"


def entries(name):
    """How many there are by now: the ledger is never emptied, not even between tests."""
    return Entry.objects.filter(type=name).count()


def ask_again(request):
    """The row as this thread sees it."""
    return type(request).objects.select_related("snapshot").get(pk=request.pk)


def test_the_same_file_twice_at_once_is_imported_once(frozen):
    def call():
        return import_file(by=frozen.admin, scope=Scope(), kind="freeze", zone="UTC", data=FILE)

    before = entries("freeze.created")
    results = together(call, call)
    assert errors(results) == []
    assert FreezeWindow.objects.count() == 1
    assert entries("freeze.created") == before + 1


def test_a_window_removed_twice_at_once_is_removed_once(frozen):
    window, before = a_freeze(frozen.admin), entries("freeze.removed")
    result = behind(
        lambda: remove_window(by=frozen.admin, window=window),
        lambda: remove_window(by=frozen.deputy, window=window),
    )
    assert isinstance(result.error, Conflict)
    assert entries("freeze.removed") == before + 1


def test_an_exception_revoked_twice_at_once_is_revoked_once(frozen):
    exception, before = (
        an_exception(frozen.admin, frozen.project),
        entries("freeze_exception.revoked"),
    )
    behind(
        lambda: revoke_exception(by=frozen.admin, exception=exception),
        lambda: revoke_exception(by=frozen.deputy, exception=exception),
    )
    assert FreezeException.objects.get().revoked_at
    assert entries("freeze_exception.revoked") == before + 1


def test_what_is_asked_while_a_freeze_is_added_is_found_by_the_second_look(frozen):
    """The POST read the calendar before the freeze was committed, and is committed after the look:
    the look comes again."""
    window = a_freeze(frozen.admin)
    look_again("window", window.pk)
    remaining = FreezeWindow.objects.get(pk=window.pk)
    assert due_looks() == []
    assert remaining.next_look is not None
    assert remaining.next_look > remaining.changed_at
