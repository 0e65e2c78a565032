"""Accounts at forges: one person each, linked by a signature or by somebody else's hand."""

from datetime import timedelta

import pytest

from portal.accounts.erase import forget
from portal.accounts.forge_accounts import (
    MOST_AN_HOUR,
    AtForge,
    link_by_hand,
    link_signed,
    make_challenge,
    unlink,
)
from portal.accounts.models import ForgeAccount, ForgeChallenge
from portal.accounts.people import deactivate_person
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden, Gone, Invalid
from portal.ledger.models import Entry

pytestmark = pytest.mark.django_db

HERS = AtForge("github", "github.com", 11, "alice-at-work")


def by_hand(who, by=None, person=None, account=HERS, reason="Seen in person"):
    return link_by_hand(
        by=by or who.admin, person=person or who.alice, account=account, reason=reason
    )


def entries(kind):
    found = Entry.objects.filter(type=f"forge_account.{kind}")
    return [bytes(entry.payload).decode() for entry in found]


def test_an_account_has_one_person(who):
    by_hand(who)
    for act in (
        lambda: by_hand(who, person=who.bob),
        lambda: make_challenge(by=who.bob, account=HERS._replace(login="renamed")),
    ):
        with pytest.raises(Conflict, match="linked already"):
            act()
    by_hand(who, person=who.bob, account=HERS._replace(host="ghe.example.com"))
    assert ForgeAccount.objects.count() == 2


def test_one_that_was_linked_to_somebody_else_can_be_linked_again(who):
    unlink(by=who.admin, account=by_hand(who))
    assert by_hand(who, person=who.bob).person == who.bob
    assert len(entries("unlinked")) == 1


def test_the_ledger_says_how_and_by_whom_and_names_nobody(who):
    by_hand(who)
    (entry,) = entries("linked")
    assert '"how":"by-hand"' in entry
    assert str(who.admin.actor_ref) in entry
    assert str(who.alice.actor_ref) in entry
    for personal in ("alice-at-work", "Seen in person", '"number"'):
        assert personal not in entry


def test_only_administrators_link_by_hand_and_nobody_to_themselves(who):
    with pytest.raises(Forbidden):
        by_hand(who, by=who.bob)
    with pytest.raises(Forbidden, match="to yourself by hand"):
        by_hand(who, person=who.admin)
    with pytest.raises(Invalid, match="how you know"):
        by_hand(who, reason=" ")
    assert by_hand(who, by=who.deputy, person=who.admin).how == "by-hand"


def test_nobody_ends_a_link_of_their_own(who):
    """It says which changes are theirs: without it they could decide on them."""
    hers, admins = (
        by_hand(who),
        by_hand(who, by=who.deputy, person=who.admin, account=HERS._replace(number=12)),
    )
    with pytest.raises(Forbidden):
        unlink(by=who.alice, account=hers)
    with pytest.raises(Forbidden, match="link of your own"):
        unlink(by=who.admin, account=admins)
    unlink(by=who.deputy, account=admins)
    admins.refresh_from_db()
    assert admins.archived_at is not None


def test_a_challenge_is_good_once_for_whoever_began_it(who):
    challenge = make_challenge(by=who.alice, account=HERS)
    for part in ("alice-at-work", "github:11", "github.com", f"to alice ({who.alice.pk})"):
        assert part in challenge.text
    with pytest.raises(Gone):
        link_signed(by=who.bob, challenge=challenge, key="SHA256:x")
    linked = link_signed(by=who.alice, challenge=challenge, key="SHA256:x")
    assert (linked.person, linked.how, linked.reason) == (who.alice, "signed", "Key SHA256:x")
    unlink(by=who.admin, account=linked)
    with pytest.raises(Gone):
        link_signed(by=who.alice, challenge=challenge, key="SHA256:x")


def test_a_challenge_is_good_for_minutes(who):
    challenge = make_challenge(by=who.alice, account=HERS)
    ForgeChallenge.objects.update(expires_at=now() - timedelta(seconds=1))
    with pytest.raises(Gone):
        link_signed(by=who.alice, challenge=challenge, key="SHA256:x")


def test_whoever_begins_too_often_has_to_wait(who):
    for _ in range(MOST_AN_HOUR):
        make_challenge(by=who.alice, account=HERS)
    with pytest.raises(Conflict, match="too often"):
        make_challenge(by=who.alice, account=HERS)
    make_challenge(by=who.bob, account=HERS)


def test_nothing_is_linked_to_somebody_deactivated(who):
    deactivate_person(by=who.admin, person=who.alice)
    who.alice.refresh_from_db()
    with pytest.raises(Conflict, match="deactivated"):
        by_hand(who)


def test_erasing_a_person_takes_their_accounts_along(who):
    by_hand(who)
    make_challenge(by=who.alice, account=HERS._replace(number=13))
    forget(who.alice, now())
    assert not ForgeAccount.objects.exists()
    assert not ForgeChallenge.objects.exists()
