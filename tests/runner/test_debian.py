"""A program of a Debian package that cannot be had is said loudly, and an error in CI."""

import shutil

import pytest

from tests.debian import debian_programs


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A machine that has nothing and where nothing can be had."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("COUNTERSIGN_REQUIRE_BROWSER", raising=False)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    return tmp_path


def test_what_cannot_be_had_is_skipped_with_its_name(nowhere):
    with pytest.raises(pytest.skip.Exception, match="NO PROMETHEUS: install it"):
        debian_programs("prometheus", "prometheus", "promtool")


def test_where_all_is_required_it_fails(nowhere, monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_REQUIRE_BROWSER", "1")
    with pytest.raises(pytest.fail.Exception, match="NO PROMETHEUS"):
        debian_programs("prometheus", "prometheus")


def test_what_was_unpacked_before_is_used(nowhere):
    program = nowhere / "countersign-tests/debian/prometheus/usr/bin/prometheus"
    program.parent.mkdir(parents=True)
    program.touch()
    assert debian_programs("prometheus", "prometheus") == [str(program)]


def test_what_is_installed_is_used(nowhere, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert debian_programs("prometheus", "prometheus") == ["/usr/bin/prometheus"]
