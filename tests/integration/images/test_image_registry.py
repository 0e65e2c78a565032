"""Images, signatures and statements in a real registry."""

import pytest

from approvals.connections.check import check_connection
from approvals.context.source import SourceFailed
from approvals.context.sources.image import ImageSource
from approvals.lifecycle.enrich import due_readings, read_source
from approvals.models import KeptAnswer
from policies.language.facts import Unknown
from tests.factories import COMMIT, ask
from tests.images import (
    BUILDER,
    BUNDLE,
    CERTIFICATE,
    DSSE,
    Signer,
    bundle,
    digest_of,
    simple_layer,
    slsa_02,
    slsa_1,
    statement,
)
from tests.integration.images.played import Straight, facts
from tests.integration.images.registry import PASSWORD, USER

pytestmark = pytest.mark.xdist_group("registry")

PROVEN = {"provenance": "verified", "builder": BUILDER, "source_commit": COMMIT}


@pytest.fixture
def look(registry, release):
    """What a source says of an image of the real registry, by the keys of release."""
    return lambda digest, **more: facts(
        digest, **{"url": registry.open.url, "keys": release.setting, **more}
    )


def known(values):
    return {name: value for name, value in values.items() if not isinstance(value, Unknown)}


@pytest.mark.parametrize("make", ["image", "platforms"])
def test_a_signed_image_with_provenance_by_cosigns_tags(registry, look, release, make):
    digest = getattr(registry, make)()
    registry.attach(digest, "sig", simple_layer(release, digest))
    sbom = release.envelope(statement(digest, "https://spdx.dev/Document", {}))
    said = [sbom, release.envelope(slsa_02(digest))]
    types = ["https://spdx.dev/Document", "https://slsa.dev/provenance/v0.2"]
    rows = [(one, DSSE, {"predicateType": kind}) for one, kind in zip(said, types, strict=True)]
    registry.attach(digest, "att", *rows)
    values = look(digest)
    assert values == {"digest": digest, "signed": True, "signer": "release", **PROVEN}


def test_the_same_by_bundles_that_refer_to_it(registry, look, release):
    digest = registry.image()
    signed = statement(digest, "https://sigstore.dev/cosign/sign/v1", {})
    rows = [(bundle(release.envelope(said)), BUNDLE, {}) for said in (signed, slsa_1(digest))]
    registry.refer(digest, *rows, (b"a list of parts", "text/spdx", {}))
    values = look(digest)
    assert values == {"digest": digest, "signed": True, "signer": "release", **PROVEN}


def test_what_nobody_signed_is_not_signed(registry, look):
    digest = registry.image()
    values = look(digest)
    assert known(values) == {"digest": digest, "signed": False, "provenance": "none"}
    assert values["signer"].reason == "no signature of it was verified"


def test_what_others_signed_is_not_verified(registry, look, mallory):
    digest = registry.image()
    registry.attach(digest, "sig", simple_layer(mallory, digest))
    registry.attach(digest, "att", (mallory.envelope(slsa_1(digest)), DSSE, {}))
    values = look(digest)
    assert known(values) == {"digest": digest, "signed": False, "provenance": "unverified"}


def test_a_signature_that_was_moved_from_another_image_is_none(registry, look, release):
    digest, other = registry.image(), registry.image()
    registry.attach(digest, "sig", simple_layer(release, other))
    registry.attach(digest, "att", (release.envelope(slsa_1(other)), DSSE, {}))
    values = look(digest)
    assert known(values) == {"digest": digest, "signed": False, "provenance": "unverified"}


def test_certificates_instead_of_keys_leave_it_unknown(registry, look, mallory):
    digest = registry.image()
    registry.attach(digest, "sig", simple_layer(mallory, digest, **CERTIFICATE))
    registry.attach(digest, "att", (mallory.envelope(slsa_1(digest)), DSSE, CERTIFICATE))
    values = look(digest)
    assert known(values) == {"digest": digest}
    for name in ("signed", "provenance"):
        assert "certificate instead of a key" in values[name].reason


def test_beside_a_signature_by_a_key_they_do_not_matter(registry, look, release, mallory):
    digest = registry.image()
    rows = [simple_layer(mallory, digest, **CERTIFICATE), simple_layer(release, digest)]
    registry.attach(digest, "sig", *rows)
    assert look(digest)["signed"] is True


def test_without_keys_nothing_is_known_but_that_it_is_there(registry, look, release):
    digest = registry.image()
    registry.attach(digest, "sig", simple_layer(release, digest))
    values = look(digest, keys="")
    assert known(values) == {"digest": digest}
    assert values["signed"].reason == "the connection names no keys to verify it with"


def test_of_several_keys_the_first_that_verifies_is_the_signer(registry, look, release):
    digest, deputy = registry.image(), Signer("deputy", "ed25519")
    rows = [simple_layer(one, digest) for one in (release, deputy)]
    registry.attach(digest, "sig", *rows)
    keys = f"{deputy.setting}\n{release.setting}"
    assert look(digest, keys=keys)["signer"] == "deputy"


def test_a_statement_that_names_nobody_leaves_it_unknown(registry, look, release):
    digest = registry.image()
    said = slsa_1(digest, commit="main", builder="")
    registry.attach(digest, "att", (release.envelope(said), DSSE, {}))
    assert known(look(digest)) == {"digest": digest, "signed": False, "provenance": "verified"}


@pytest.mark.parametrize("other", ["2" * 40, "main"])
def test_statements_that_disagree_name_nobody(registry, look, release, other):
    digest = registry.image()
    said = [slsa_1(digest), slsa_02(digest, commit=other)]
    registry.attach(digest, "att", *[(release.envelope(one), DSSE, {}) for one in said])
    values = look(digest)
    assert (values["provenance"], values["builder"]) == ("verified", BUILDER)
    assert values["source_commit"].reason == "the verified statements name none, or several"


def test_what_is_not_there_is_unknown(look):
    values = look(digest_of(b"never pushed"))
    assert known(values) == {}
    assert values["digest"].reason == "the registry has nothing with this digest in the repository"


@pytest.mark.parametrize("artifact", ["", "sha1:" + "0" * 40, "latest"])
def test_a_request_that_names_no_digest_asks_nothing(look, artifact):
    assert look(artifact, url="https://127.0.0.1:1") == {}


@pytest.mark.django_db
def test_it_comes_into_the_snapshot_and_what_never_changes_is_asked_once(
    registry, connect, who, release, read
):
    digest = registry.image()
    registry.attach(digest, "sig", simple_layer(release, digest))
    connection = connect(registry.open.url)
    request = ask(who, subject={"artifact": digest})
    for due in due_readings():
        read_source(*due)
    request.refresh_from_db()
    fact = request.snapshot.facts["image.signed"]
    assert (fact["value"], fact["provenance"]) == (True, "attested")
    before = {row.key: row.asked_at for row in KeptAnswer.objects.all()}
    assert read(connection, digest, fresh=True)[0]["signed"] is True
    same = [row for row in KeptAnswer.objects.all() if row.asked_at == before[row.key]]
    assert len(same) == 1  # the payload of the signature


class TestSignIn:
    """At doors that ask for it."""

    SIGN_IN = {"user": USER, "secret": PASSWORD}

    def test_with_a_password(self, registry, look):
        digest = registry.image()
        assert look(digest, url=registry.guarded.url, **self.SIGN_IN)["digest"] == digest

    @pytest.mark.django_db
    def test_with_a_token_for_reading_this_repository_alone(self, registry, connect, read, release):
        digest = registry.image()
        registry.attach(digest, "sig", simple_layer(release, digest))
        connection = connect(
            registry.tokened.url,
            user=USER,
            secrets={"secret": PASSWORD},
            token_url=registry.tokens.url,
        )
        values, error = read(connection, digest)
        assert (values["signed"], error) == (True, "")
        assert registry.tokens.scopes == [["repository:shop:pull"]]

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"user": USER, "secret": "wrong"}, "refuses the credentials"),
            ({"secret": "a.b.c"}, "refuses the credentials"),
            ({}, "wants credentials that the connection does not have"),
        ],
    )
    def test_not_with_the_wrong_one(self, registry, look, settings, words):
        with pytest.raises(SourceFailed, match=words):
            look(registry.image(), url=registry.guarded.url, **settings)


class TestCheck:
    @pytest.mark.django_db
    def test_a_repository_that_can_be_read(self, registry, connect, who):
        registry.image()
        connection = connect(
            registry.guarded.url, repository="shop", user=USER, secrets={"secret": PASSWORD}
        )
        found = check_connection(by=who.admin, connection=connection)
        assert (found.works, found.sentence) == (
            True,
            "The repository shop can be read. Signatures are verified with the keys of release.",
        )

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({}, "A registry answers. What it says"),
            ({"repository": "elsewhere"}, "has no repository elsewhere"),
            ({}, "Without keys, signatures and provenance stay unknown"),
        ],
    )
    def test_what_else_it_finds(self, registry, settings, words):
        fetch = Straight(url=registry.open.url, **settings)
        assert words in ImageSource().check(fetch)

    @pytest.mark.parametrize(
        ("door", "words"),
        [("guarded", "wants credentials"), ("tokens", "it has no registry API at /v2/")],
    )
    def test_what_does_not_work(self, registry, door, words):
        with pytest.raises(SourceFailed, match=words):
            ImageSource().check(Straight(url=getattr(registry, door).url))
