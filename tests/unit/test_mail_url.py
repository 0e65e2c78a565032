import pytest

from portal.config.environment import Environment
from portal.config.mail import parse_email_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 587, "", "", True, False)),
        ("smtp://a%40b:p%2Fw@mail.example:25", ("mail.example", 25, "a@b", "p/w", True, False)),
        ("smtps://u:p@mail.example", ("mail.example", 465, "u", "p", False, True)),
        ("smtp+plain://mail.example", ("mail.example", 25, "", "", False, False)),
        ("smtp+plain://u:p@127.0.0.1:2525", ("127.0.0.1", 2525, "u", "p", False, False)),
    ],
)
def test_an_address_of_a_mail_server_is_read(url, expected):
    found = parse_email_url(url)
    assert found.backend.endswith("smtp.EmailBackend")
    said = (found.host, found.port, found.user, found.password, found.starttls, found.tls)
    assert said == expected


def test_without_an_address_no_mail_leaves():
    assert parse_email_url("").backend.endswith("dummy.EmailBackend")
    assert parse_email_url("console:").backend.endswith("console.EmailBackend")


@pytest.mark.parametrize(
    "url", ["mail.example", "http://mail.example", "smtp://", "smtp+plain://u:p@mail.example"]
)
def test_what_is_no_address_or_gives_the_password_away_is_refused(url):
    with pytest.raises(ValueError, match="EMAIL_URL"):
        parse_email_url(url)


def test_the_address_may_stand_in_a_file_and_is_never_shown(tmp_path, monkeypatch):
    file = tmp_path / "mail"
    file.write_text("smtps://user:secret@mail.example\n")
    monkeypatch.setenv("EMAIL_URL_FILE", str(file))
    assert Environment().read_email_url() == "smtps://user:secret@mail.example"
    monkeypatch.setenv("EMAIL_URL", "smtps://user:hidden@mail.example")
    assert Environment().read_email_url().endswith("hidden@mail.example")
    assert "hidden" not in repr(Environment())
