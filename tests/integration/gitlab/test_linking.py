"""Linking an account at a GitLab: its keys come by its number, without those that are over."""

import pytest

from approvals.connections.forge_accounts import begin_link, finish_link
from portal.accounts.models import User
from portal.kernel.errors import Invalid
from tests.ssh import Key

pytestmark = pytest.mark.django_db

FOR_EVER, OVER = None, "2025-01-01T00:00:00.000Z"


@pytest.fixture
def link(connect, lab):
    """Alice, account 11, signs with a key that GitLab says ends then."""
    connect()
    person = User.objects.get()

    def act(ends):
        key = Key()
        lab.members["alice-at-work"] = (11, {key.line: ends})
        made = begin_link(by=person, forge=("gitlab", lab.url), login="alice-at-work")
        return finish_link(by=person, challenge=made, signature=key.sign(made.text))

    return act


def test_a_key_of_the_account_links_it(link, lab):
    account = link(FOR_EVER)
    assert (account.provider, account.host, account.number) == ("gitlab", lab.url, 11)


def test_a_key_whose_time_is_over_links_nothing(link):
    with pytest.raises(Invalid, match="none of those"):
        link(OVER)
