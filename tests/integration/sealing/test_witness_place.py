"""A witness that signs checkpoints, and what it must not do."""

from contextlib import closing

import pytest

from portal.ledger.cosignature import cosigned
from portal.ledger.note import COSIGNATURE, checkpoint_of, key_of
from portal.sealer.places import places_of
from portal.sealer.refusals import WrongSetting
from tests.integration.sealing.book import write
from tests.integration.sealing.outside import NOTE, anchored, looked_at, refusal, seal_more
from tests.witness import Witness

COSIGNATURES = "SELECT size, key, line FROM ledger_cosignature ORDER BY size"


@pytest.fixture
def witness():
    with closing(Witness()) as found:
        yield found


def test_a_witness_signs_and_the_line_is_kept(sealed, witness):
    witness.trust(sealed.one("SELECT vkey FROM ledger_key"))
    anchored(sealed, witness.address)
    for _ in range(2):
        write(sealed.app, 300)
        sealed.seal()
        anchored(sealed, witness.address)
    assert witness.asked == 3
    rows = sealed.rows(COSIGNATURES)
    assert [row[0] for row in rows] == [3, 303, 603]
    for size, vkey, line in rows:
        assert vkey == witness.vkey
        text = sealed.one(NOTE, size).partition("\n\n")[0] + "\n"
        assert checkpoint_of(text).size == size
        assert cosigned(text, line, key_of(vkey, COSIGNATURE))[0] == line


def test_a_witness_that_saw_more_than_was_noted_names_its_size(sealed, witness):
    witness.trust(sealed.one("SELECT vkey FROM ledger_key"))
    ((place, history),) = looked_at(sealed, witness.address)
    place.anchor(history.newest(), history)
    seal_more(sealed)
    anchored(sealed, witness.address)
    assert witness.asked == 3
    assert [row[0] for row in sealed.rows(COSIGNATURES)] == [4]


def test_a_witness_says_which_key_it_needs(sealed, witness):
    vkey = sealed.one("SELECT vkey FROM ledger_key")
    assert refusal(sealed, witness.address) == (
        f"does not know this log; its operator must add {vkey}"
    )
    witness.logs["countersign.example/log/1"] = bytes(32)
    assert refusal(sealed, witness.address) == (
        f"does not accept our key; its operator must replace it by {vkey}"
    )


def test_a_false_cosignature_is_not_kept(sealed, witness, monkeypatch):
    witness.trust(sealed.one("SELECT vkey FROM ledger_key"))
    cosign = witness.cosign
    monkeypatch.setattr(witness, "cosign", lambda text: cosign(f"{text}more\n"))
    assert "gave no cosignature of the key it is known by" in refusal(sealed, witness.address)
    assert sealed.rows(COSIGNATURES) == []
    assert sealed.rows("SELECT size FROM ledger_publication WHERE place <> 'portal'") == []


def test_what_a_witness_must_not_answer_is_a_failure_and_no_more(sealed, witness, monkeypatch):
    for status, body, says in (
        (500, "", "answered with status 500"),
        (429, "", "asks us to come less often"),
        (409, "many\n", "answered with status 409"),
        (409, "0\n", "answered with status 409"),
        (422, "", "answered with status 422"),
        (200, "<html>", "gave no cosignature"),
    ):
        monkeypatch.setattr(witness, "answer", lambda _body, found=(status, body): found)
        assert says in refusal(sealed, witness.address)


@pytest.mark.parametrize(
    ("addresses", "says"),
    [
        (["witness+https://host/w"], "key of the witness follows"),
        (["witness+https://host/w#a+b+c"], "not an Ed25519 key"),
        (["witness+https://a:secret@host/w#a+b+c"], "user name or password"),
    ],
)
def test_a_wrong_address_of_a_witness_is_refused_at_the_start(addresses, says):
    with pytest.raises(WrongSetting, match=says) as refused:
        places_of(addresses)
    assert "secret" not in str(refused.value)
