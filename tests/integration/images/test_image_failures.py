"""A registry that lies, breaks, leads elsewhere or says too much: never more than unknown."""

import pytest

from approvals.connections.settings import checked_settings
from approvals.context.oci_pull import MOST_PAGES
from approvals.context.signed_images import NOTATION
from approvals.context.sources.image import MOST_ATTACHED, MOST_BYTES, ImageSource
from policies.language.facts import Unknown
from portal.kernel.errors import Invalid
from tests.images import (
    BUNDLE,
    DSSE,
    IMAGE,
    SIMPLE,
    bundle,
    descriptor,
    digest_of,
    index,
    manifest,
    raw,
    simple_layer,
    simple_payload,
    slsa_1,
)
from tests.integration.images.played import Played
from tests.remote import Says


class TestBytes:
    def test_others_than_those_of_the_digest_are_nothing(self, played):
        played.remote.paths[played.place] = Says(manifest((b"other", "text/plain", {})))
        assert "other bytes than those of the digest" in played.why()

    def test_a_header_that_says_they_are_changes_nothing(self, played):
        headers = {"Docker-Content-Digest": played.digest}
        played.remote.paths[played.place] = Says(played.data + b" ", headers=headers)
        assert "other bytes" in played.why()

    def test_nor_do_others_become_a_signature(self, played):
        played.remote.paths[played.payload] = Says(simple_payload(digest_of(b"x")))
        assert "other bytes" in played.why()

    @pytest.mark.parametrize(
        ("says", "words"),
        [
            (Says(b"x" * 5_000_000), "larger than 4096 KiB"),
            (Says({"schemaVersion": 2}, broken=True), "breaks off"),
            (Says(b"\xff\xfe"), "no text in UTF-8"),
            (Says(status=500), "answers 500"),
            (Says(status=403), "refuses the credentials"),
            (Says(status=302, headers={"Location": "https://a.example/"}), "redirect"),
        ],
    )
    @pytest.mark.parametrize("part", ["image", "signature"])
    def test_none_at_all(self, played, says, words, part):
        path = played.place if part == "image" else f"/v2/shop/manifests/{played.tag}.sig"
        played.remote.paths[path] = says
        assert words in played.why()

    def test_a_manifest_of_two_meanings_is_no_image(self, remote, release):
        found = Played(remote)
        found.data = raw({"schemaVersion": 2, "layers": [], "manifests": []})
        found.digest = digest_of(found.data)
        found.manifest(found.data)
        values = found.read(keys=release.setting)
        assert {type(value) for value in values.values()} == {Unknown}
        assert "more than one meaning" in values["digest"].reason

    def test_a_signature_that_is_named_and_lacking_is_a_doubt(self, played):
        del played.remote.paths[played.payload]
        assert "lacks bytes" in played.why()

    @pytest.mark.parametrize("data", [b"[]", index(), raw({"schemaVersion": 1, "fsLayers": []})])
    def test_a_manifest_of_signatures_that_is_none_is_a_doubt(self, played, data):
        played.manifest(data, f"{played.tag}.sig")
        assert "manifest" in played.why()
        assert played.read()["digest"] == played.digest


class TestTooMuch:
    def test_a_signature_that_would_be_large_is_not_asked_for(self, played):
        row = {**descriptor(b"x", SIMPLE), "size": MOST_BYTES + 1}
        played.manifest(raw({"schemaVersion": 2, "layers": [row]}), f"{played.tag}.sig")
        assert "more is attached to it than is read here" in played.why()

    def test_but_what_is_about_something_else_may_be(self, played):
        notes = {"predicateType": "https://spdx.dev/Document"}
        row = {**descriptor(b"x", DSSE, annotations=notes), "size": MOST_BYTES + 1}
        played.manifest(raw({"schemaVersion": 2, "layers": [row]}), f"{played.tag}.att")
        assert played.read()["provenance"] == "none"

    def test_only_so_many_are_looked_at(self, played, release):
        layer = simple_layer(release, played.digest)
        played.attach(*[layer] * MOST_ATTACHED)
        assert played.read()["signed"] is True
        played.attach(*[layer] * (MOST_ATTACHED + 1))
        assert "more is attached" in played.why()

    def test_many_referrers(self, played):
        row = descriptor(b"x", IMAGE, artifactType="text/spdx")
        played.remote.paths[played.referrers] = Says(index(*[row] * MOST_ATTACHED))
        assert played.read()["signed"] is True
        played.remote.paths[played.referrers] = Says(index(*[row] * (MOST_ATTACHED + 1)))
        assert "more is attached" in played.why()


class TestReferrers:
    @pytest.fixture
    def row(self, played, release):
        """What refers to the image: the statement of how it was built."""
        content = raw(bundle(release.envelope(slsa_1(played.digest))))
        data = manifest((content, BUNDLE, {}), artifactType=BUNDLE)
        played.blob(content)
        played.manifest(data)
        return descriptor(data, IMAGE, artifactType=BUNDLE)

    def test_every_page_is_read(self, played, row):
        pages = iter([index(), index(), index(row)])

        def page(headers):
            data = next(pages)
            more = {} if data == index(row) else {"Link": f'<{played.referrers}?n=2>; rel="next"'}
            return Says(data, headers=more)

        played.remote.paths[played.referrers] = page
        assert played.read()["provenance"] == "verified"

    def test_but_not_without_an_end(self, played):
        link = {"Link": f'<{played.referrers}?n=2>; rel="next"'}
        played.remote.paths[played.referrers] = Says(index(), headers=link)
        played.remote.asked.clear()
        assert "more is attached" in played.why()
        assert played.remote.count(played.referrers) == MOST_PAGES + 1

    @pytest.mark.parametrize(
        "target", ["http://a.example/", "//a.example/v2/x", "/v2/other/referrers/x", "?\\n"]
    )
    def test_nor_at_another_place(self, played, target):
        link = {"Link": f'<{target}>; rel="next"'}
        played.remote.paths[played.referrers] = Says(index(), headers=link)
        if target.startswith("?"):
            assert "more is attached" in played.why()
        else:
            assert "next page is at another place" in played.why()

    def test_a_page_that_is_lacking_is_no_end(self, played, row):
        more = {"Link": f'<{played.referrers}?n=2>; rel="next"'}
        pages = iter([Says(index(row), headers=more), Says(status=404)])
        played.remote.paths[played.referrers] = lambda headers: next(pages)
        assert "404" in played.why()

    @pytest.mark.parametrize("status", [400, 404, 405, 406, 303, 307])
    def test_a_registry_that_knows_none_has_a_tag_for_them(self, played, row, status):
        played.remote.paths[played.referrers] = Says(status=status)
        played.manifest(index(row), played.tag)
        assert played.read()["provenance"] == "verified"

    def test_that_tag_may_be_taken_for_the_image_itself(self, remote, release, played):
        """As GitLab does: then what the index names refers to nothing."""
        found = Played(remote)
        found.data = index(descriptor(b"x", IMAGE))
        found.digest = digest_of(found.data)
        found.manifest(found.data)
        found.manifest(found.data, found.digest.replace(":", "-"))
        assert found.read(keys=release.setting)["signed"] is False

    @pytest.mark.parametrize("says", [Says(b"<html>"), Says({"manifests": []}), Says([])])
    def test_an_answer_that_is_none_is_a_doubt(self, played, says):
        played.remote.paths[played.referrers] = says
        assert "manifest" in played.why()

    @pytest.mark.parametrize("status", [401, 403, 500])
    def test_not_being_let_is_no_answer(self, played, status):
        played.remote.paths[played.referrers] = Says(status=status)
        assert played.why()

    def test_what_is_listed_and_lacking_is_a_doubt(self, played):
        row = descriptor(b"x", IMAGE)
        played.remote.paths[played.referrers] = Says(index(row))
        assert "lacks a manifest" in played.why()

    def test_signatures_of_another_kind_are_a_doubt(self, remote, release):
        found = Played(remote)
        row = descriptor(b"x", IMAGE, artifactType=NOTATION)
        remote.paths[found.referrers] = Says(index(row))
        values = found.read(keys=release.setting)
        assert "Notation" in values["signed"].reason
        assert values["provenance"] == "none"


GOOD = {"url": "https://registry.example", "repository": "{project}"}


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"url": "https://registry.example/v2"}, "url"),
        ({"blob_url": "https://blobs.example/a"}, "blob_url"),
        ({"repository": "Shop"}, "repository"),
        ({"repository": "shop/../other"}, "repository"),
        ({"repository": "{commit}"}, "repository"),
        ({"user": "a:b"}, "user"),
        ({"keys": "release = AAAA"}, "keys"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings, field):
    with pytest.raises(Invalid) as refusal:
        checked_settings(ImageSource(), {**GOOD, **settings}, private=False)
    assert refusal.value.extra["errors"][0]["field"] == field
