"""Secrets are stored so that only who has a key can read them."""

import traceback

import pytest

from portal.config.environment import Environment
from portal.kernel.sealed import SealBroken, reseal, seal, unseal

OLD, NEW = "old-key-" + "o" * 32, "new-key-" + "n" * 32
SECRET = "ghp_ünïcode\n"


@pytest.mark.parametrize("keys", [[], [NEW], [NEW, OLD]])
def test_what_was_sealed_opens_again(settings, keys):
    settings.SECRETS_KEY = keys
    token = seal(SECRET)
    assert unseal(token) == SECRET
    assert token.isascii()
    assert "ghp" not in token


def test_the_same_text_is_another_token_each_time():
    assert seal(SECRET) != seal(SECRET)


def test_the_first_key_seals_and_every_key_opens(settings):
    settings.SECRETS_KEY = [OLD]
    before = seal(SECRET)
    settings.SECRETS_KEY = [NEW, OLD]
    assert unseal(before) == SECRET
    after = reseal(before)
    settings.SECRETS_KEY = [NEW]
    assert unseal(after) == SECRET
    for open_it in (unseal, reseal):
        with pytest.raises(SealBroken):
            open_it(before)


def test_the_secret_key_can_be_listed_once_there_is_one_of_its_own(settings):
    before = seal(SECRET)
    settings.SECRETS_KEY = [NEW, settings.SECRET_KEY]
    assert unseal(before) == SECRET
    settings.SECRET_KEY = "changed"
    assert unseal(before) == SECRET


@pytest.mark.parametrize("damage", ["", "no token", "gAAAA", "é", None])
def test_a_changed_token_does_not_open_and_is_not_repeated(damage):
    token = seal(SECRET)
    broken = token[:-10] + "AAAAAAAA==" if damage is None else damage
    with pytest.raises(SealBroken) as caught:
        unseal(broken)
    assert "any key of SECRETS_KEY" in str(caught.value)
    assert token[:20] not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("text", [f"{NEW},{OLD}", f"{NEW}, {OLD}", f"{NEW}\n{OLD}\n"])
def test_keys_are_read_newest_first_from_the_variable_or_a_file(tmp_path, monkeypatch, text):
    monkeypatch.setenv("SECRETS_KEY", text)
    assert Environment().read_secrets_key() == [NEW, OLD]
    assert NEW not in repr(Environment())
    monkeypatch.delenv("SECRETS_KEY")
    assert Environment().read_secrets_key() == []
    (tmp_path / "keys").write_text(text)
    monkeypatch.setenv("SECRETS_KEY_FILE", str(tmp_path / "keys"))
    assert Environment().read_secrets_key() == [NEW, OLD]


@pytest.mark.parametrize("text", ["short", f"short,{OLD}", ",", "\n", ""])
def test_a_key_that_could_be_guessed_stops_the_start_without_being_repeated(
    tmp_path, monkeypatch, text
):
    (tmp_path / "keys").write_text(text)
    monkeypatch.setenv("SECRETS_KEY_FILE", str(tmp_path / "keys"))
    with pytest.raises(ValueError, match="32 characters") as caught:
        Environment().read_secrets_key()
    assert "short" not in str(caught.value)
