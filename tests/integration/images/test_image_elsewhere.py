"""Where a registry would have the portal go for tokens and blobs, and what is kept of it."""

from threading import Event

import pytest

from approvals.models import KeptAnswer
from tests.remote import Says


class TestElsewhere:
    """Where a registry would have us go."""

    CREDENTIALS = {"user": "reader", "secret": "s3cret"}

    def challenge(self, played, realm, accept="Bearer t0k"):
        """The registry wants a token from `realm`."""
        says = Says(played.data)
        header = f'Bearer realm="{realm}",service="reg",scope="repository:all:push"'
        refusal = Says(status=401, headers={"WWW-Authenticate": header})
        played.remote.paths[played.place] = lambda headers: (
            says if headers.get("authorization") == accept else refusal
        )

    def test_a_token_for_reading_alone_from_where_the_connection_says(self, played, elsewhere):
        elsewhere.paths["/t"] = Says({"access_token": "t0k"})
        self.challenge(played, f"{elsewhere.url}/t")
        values = played.read(token_url=elsewhere.url, **self.CREDENTIALS)
        assert values["signed"] is True
        ((_, path, headers, _),) = elsewhere.asked
        assert path == "/t?service=reg&scope=repository:shop:pull"
        assert headers["authorization"].startswith("Basic ")

    def test_without_a_user_anybodys_token(self, played, elsewhere):
        elsewhere.paths["/t"] = Says({"token": "t0k"})
        self.challenge(played, f"{elsewhere.url}/t")
        assert played.read(token_url=elsewhere.url)["signed"] is True
        assert "authorization" not in elsewhere.asked[0][2]

    @pytest.mark.parametrize("field", ["", "blob_url"])
    def test_no_other_server_learns_the_password(self, played, elsewhere, field):
        self.challenge(played, f"{elsewhere.url}/t")
        settings = {field: elsewhere.url} if field else {}
        why = played.why(**settings, **self.CREDENTIALS)
        assert "for a token to a server that the connection does not name (127.0.0.1)" in why
        assert elsewhere.asked == []

    @pytest.mark.parametrize(
        "realm", ["", "x", "file:///etc/passwd", "http://a@127.0.0.1/", "https://a b/"]
    )
    def test_nor_is_an_odd_address_asked(self, played, realm):
        self.challenge(played, realm)
        assert "cannot be asked" in played.why(**self.CREDENTIALS)

    def test_nor_in_the_clear_what_is_asked_encrypted(self, played, elsewhere):
        self.challenge(played, f"{elsewhere.url}/t")
        settings = {"token_url": elsewhere.url.replace("http:", "https:"), **self.CREDENTIALS}
        assert "does not name" in played.why(**settings)
        assert elsewhere.asked == []

    @pytest.mark.parametrize(
        "says",
        [
            Says(b"<html>"), Says([]), Says({}), Says({"token": 1}), Says({"token": "a b"}),
            Says({"token": "a\r\nX: y"}), Says({"token": "t" * 20_000}), Says(status=404),
            Says(status=401), Says(status=302, headers={"Location": "http://127.0.0.1:1/"}),
        ],
    )  # fmt: skip
    def test_what_is_no_token_is_none(self, played, elsewhere, says):
        elsewhere.paths["/t"] = says
        self.challenge(played, f"{elsewhere.url}/t")
        assert played.why(token_url=elsewhere.url, **self.CREDENTIALS)

    def test_a_token_that_is_refused_is_not_asked_for_again(self, played, elsewhere):
        elsewhere.paths["/t"] = Says({"token": "another"})
        self.challenge(played, f"{elsewhere.url}/t")
        assert "refuses the credentials" in played.why(token_url=elsewhere.url)
        assert elsewhere.count() == 1

    def blobs_at(self, played, location):
        says = Says(status=307, headers={"Location": location})
        played.remote.paths[played.payload] = says

    def test_blobs_come_from_where_the_connection_says_which_learns_nothing(
        self, played, elsewhere
    ):
        elsewhere.paths["/blob"] = played.remote.paths[played.payload]
        self.blobs_at(played, f"{elsewhere.url}/blob?signature=x")
        assert played.read(blob_url=elsewhere.url, secret="t0k")["signed"] is True
        assert played.remote.asked[-1][2]["authorization"] == "Bearer t0k"
        assert "authorization" not in elsewhere.asked[0][2]

    @pytest.mark.parametrize("field", ["", "token_url"])
    def test_and_from_no_other_place(self, played, elsewhere, field):
        self.blobs_at(played, f"{elsewhere.url}/blob")
        why = played.why(**({field: elsewhere.url} if field else {}))
        assert "keeps what is attached at a server that the connection does not name" in why
        assert elsewhere.asked == []

    @pytest.mark.parametrize(
        ("says", "words"),
        [
            (Says(b"other"), "other bytes"),
            (Says(status=404), "lacks bytes"),
            (Says(status=403), "where it keeps blobs: its server refuses"),
            (Says(status=302, headers={"Location": "/"}), "where it keeps blobs"),
        ],
    )
    def test_what_comes_from_there_is_looked_at_too(self, played, elsewhere, says, words):
        elsewhere.paths["/blob"] = says
        self.blobs_at(played, f"{elsewhere.url}/blob")
        assert words in played.why(blob_url=elsewhere.url)


@pytest.mark.django_db
class TestKept:
    """Through the real Fetch, with its table."""

    def test_neither_password_nor_token_is(self, played, elsewhere, connect, read):
        elsewhere.paths["/t"] = Says({"token": "t0k"})
        TestElsewhere().challenge(played, f"{elsewhere.url}/t")
        connection = connect(
            played.remote.url, user="reader", token_url=elsewhere.url, secrets={"secret": "s3cret"}
        )
        assert read(connection, played.digest)[0]["signed"] is True
        bodies = b"".join(bytes(row.body) for row in KeptAnswer.objects.all())
        assert bodies
        assert not any(secret in bodies for secret in (b"t0k", b"s3cret"))

    def test_bytes_that_were_wrong_once_are_asked_for_again(self, played, connect, read):
        right = played.remote.paths[played.payload]
        played.remote.paths[played.payload] = Says(b"wrong")
        connection = connect(played.remote.url)
        assert "other bytes" in read(connection, played.digest)[1]
        played.remote.paths[played.payload] = right
        assert read(connection, played.digest, fresh=True)[0]["signed"] is True

    def test_a_signature_that_is_withdrawn_is_gone_at_redeem(self, played, connect, read):
        connection = connect(played.remote.url)
        assert read(connection, played.digest)[0]["signed"] is True
        del played.remote.paths[f"/v2/shop/manifests/{played.tag}.sig"]
        assert read(connection, played.digest, fresh=True)[0]["signed"] is False

    def test_no_answer_in_time_is_unknown(self, played, connect, read, monkeypatch):
        monkeypatch.setattr("approvals.context.sources.image.ImageSource.budget", 0.3)
        done = Event()
        played.remote.paths[played.payload] = Says(b"x", after=done)
        values, error = read(connect(played.remote.url), played.digest)
        done.set()
        assert "in time" in error
        assert values["signed"].kind == "unavailable"
