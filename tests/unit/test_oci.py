"""Manifests, digests and names of registries, and the headers that lead on."""

import pytest

from approvals.context.header_values import challenges, next_page
from approvals.context.oci import (
    NotRead,
    is_digest,
    is_repository,
    layers_of,
    manifests_of,
    require_image,
)
from tests.images import descriptor, digest_of, index, manifest, raw

LAYER = descriptor(b"x", "text/plain")


def test_images_and_indexes_are_images():
    require_image(manifest((b"x", "text/plain", {})))
    require_image(index(LAYER))


def test_a_descriptor_keeps_what_is_text():
    row = {**LAYER, "artifactType": 1, "annotations": {"a": "b", "c": 1}}
    (found,) = manifests_of(index(row))
    assert (found.digest, found.artifact_type, found.annotations) == (
        digest_of(b"x"),
        "",
        {"a": "b"},
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        raw({"schemaVersion": 1, "fsLayers": [], "history": []}),
        raw({"schemaVersion": "2", "layers": []}),
        raw({"schemaVersion": 2}),
        raw({"schemaVersion": 2, "layers": {}}),
        raw({"schemaVersion": 2, "layers": [], "manifests": []}),
        raw({"schemaVersion": 2, "config": {}, "manifests": []}),
        raw({"schemaVersion": 2, "layers": [], "fsLayers": []}),
        raw({"schemaVersion": 2, "layers": [1]}),
        raw({"schemaVersion": 2, "layers": [{**LAYER, "digest": "sha512:" + "0" * 128}]}),
        raw({"schemaVersion": 2, "layers": [{**LAYER, "digest": "sha256:../x"}]}),
        raw({"schemaVersion": 2, "layers": [{**LAYER, "size": -1}]}),
        b"[" * 5000,
    ],
)
def test_what_has_another_form_or_two_meanings_is_not_read(data):
    with pytest.raises(NotRead):
        require_image(data)
    with pytest.raises(NotRead):
        layers_of(data)


def test_only_sha_256_is_a_digest():
    assert is_digest(digest_of(b""))
    for text in ("", "sha1:" + "0" * 40, "sha256:" + "A" * 64, digest_of(b"") + "\n", "latest"):
        assert not is_digest(text)


def test_names_lead_to_no_other_place():
    for name in ("shop", "shop/api", "a__b/c.d-e--f"):
        assert is_repository(name)
    for name in ("", "/a", "a/", "a//b", "../a", "a/..", "A", "a?b", "a b", "a" * 256, "a\n"):
        assert not is_repository(name)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", {}),
        ("Basic", {}),
        ('Basic realm="a, b"', {"basic": {"realm": "a, b"}}),
        (
            'bearer REALM="https://a/t",service=reg,scope="repository:a:pull,push"',
            {"bearer": {"realm": "https://a/t", "service": "reg",
                        "scope": "repository:a:pull,push"}},
        ),
        (
            'Basic realm="x", Bearer realm="https://a/\\"t", realm="https://b"',
            {"basic": {"realm": "x"}, "bearer": {"realm": 'https://a/"t'}},
        ),
    ],
)  # fmt: skip
def test_challenges(header, found):
    assert challenges(header) == found


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("", ""),
        ('</v2/a?n=1>; rel="next"', "/v2/a?n=1"),
        ("</a>; rel=prev, </b>; foo=1; rel=NEXT", "/b"),
        ('</a>; rel="prev", </b>; rel="last next"', "/b"),
        ('</a>; rel="nextish"', ""),
        ('</a>; title="rel=next"', ""),
    ],
)
def test_next_page(header, target):
    assert next_page(header) == target
