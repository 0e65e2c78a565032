"""A mailbox that gets checkpoints."""

import pytest

from portal.sealer.places import places_of
from portal.sealer.refusals import WrongSetting
from tests.integration.sealing.outside import NOTE, anchored, refusal, seal_more
from tests.mail import MailServer


@pytest.fixture
def postbox():
    with MailServer() as found:
        yield found


def mailto(postbox, server="smtp://127.0.0.1:{}", every=""):
    smtp = server.format(postbox.port)
    return f"mailto:auditor@example.com?from=portal@example.org&smtp={smtp}{every}"


def test_a_mailbox_gets_the_note(sealed, postbox):
    anchored(sealed, mailto(postbox))
    (mail,) = postbox.messages
    assert (postbox.senders, postbox.receivers) == (["portal@example.org"], ["auditor@example.com"])
    assert mail["Subject"] == "Checkpoint of countersign.example/log/1: 3 entries"
    assert mail.get_content().replace("\r\n", "\n").startswith(sealed.one(NOTE, 3))
    assert sealed.rows("SELECT place FROM ledger_publication WHERE place <> 'portal'") == [
        ("mailto:example.com",)
    ]


def test_a_mailbox_gets_one_mail_a_day(sealed, postbox):
    anchored(sealed, mailto(postbox))
    seal_more(sealed)
    anchored(sealed, mailto(postbox))
    assert len(postbox.messages) == 1
    sealed.superuser("UPDATE ledger_publication SET at = at - interval '2 days'")
    anchored(sealed, mailto(postbox))
    assert [mail["Subject"].partition(": ")[2] for mail in postbox.messages] == [
        "3 entries", "4 entries"
    ]  # fmt: skip


def test_a_mail_server_that_refuses_is_a_failure(sealed, postbox):
    postbox.says["MAIL"] = "550 not from you"
    assert refusal(sealed, mailto(postbox)) == "took no mail: SMTPSenderRefused"


def test_no_password_is_sent_in_the_clear(sealed, postbox):
    address = mailto(postbox, "smtp://ada:secret@127.0.0.1:{}")
    assert refusal(sealed, address) == "took no mail: SMTPNotSupportedError"


@pytest.mark.parametrize(
    ("addresses", "says"),
    [
        (["mailto:a@b?smtp=imap://x&from=a@b"], "is what is known"),
        (["mailto:a@b?smtp=smtp://x"], "to and from are addresses"),
        (["mailto:a@b?smtp=smtp://u:secret@x&from=a@b&every=daily"], "a length of time"),
    ],
)
def test_a_wrong_address_of_mail_is_refused_at_the_start(addresses, says):
    with pytest.raises(WrongSetting, match=says) as refused:
        places_of(addresses)
    assert "secret" not in str(refused.value)
