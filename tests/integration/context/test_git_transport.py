"""A repository that is not there, hangs, or is hostile: bounded, quiet, nothing executed."""

import os
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from approvals.context.collect import ask, ask_all
from approvals.context.sources.git import GitSource
from portal.directory.repository import repository_problem
from portal.kernel.clock import now
from portal.kernel.git import MARK, STALE_LOCK_SECONDS, Repository
from portal.kernel.git_process import GitFailed
from tests.integration.context.conftest import whole
from tests.integration.context.repositories import PROJECT, question

COMMIT = "1" * 40


class Quick(GitSource):
    """The git source with less patience."""

    budget = 2.0


def why(address, source=None):
    """The reason of the failed reading."""
    answer = ask(whole(source or GitSource()), question(address, COMMIT))
    assert answer.error
    assert {state.kind for state in answer.states.values()} == {"unavailable"}
    return answer.error


@pytest.fixture
def silent_port():
    """A port on loopback that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def processes_of(folder):
    """Command lines of every process that names `folder`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c 'touch {trace}'",
        "ext::touch% {trace}",
        "http://127.0.0.1:{port}/shop.git",
        "git://127.0.0.1:{port}/shop.git",
        "ftp://127.0.0.1:{port}/shop.git",
        "--upload-pack=touch {trace}",
        "ssh://-oProxyCommand=touch%20{trace}/shop.git",
        "-oProxyCommand=touch {trace}",
        "fd::17/shop",
        "testgit::{trace}",
    ],
)
def test_other_transports_and_options_in_disguise_are_refused_twice(address, tmp_path, silent_port):
    trace = tmp_path / "trace"
    address = address.format(trace=trace, port=silent_port)
    assert repository_problem(address), "at the door, when a project is saved"
    begun = time.monotonic()
    reason = why(address, Quick())
    assert time.monotonic() - begun < Quick.budget, "refused, not waited for"
    assert "127.0.0.1" not in reason and str(tmp_path) not in reason
    assert not trace.exists()


def test_a_folder_that_is_not_there_says_so_without_naming_it(tmp_path):
    reason = why(tmp_path / "secret-name")
    assert reason == "the repository could not be read: there is none at its address"


@pytest.mark.parametrize("scheme", ["https", "ssh"])
def test_nothing_at_the_address_says_so_without_naming_it(scheme, closed_port):
    reason = why(f"{scheme}://127.0.0.1:{closed_port}/team/secret-name.git", Quick())
    assert reason == "the repository could not be read: nothing answers at its address"


def test_what_git_says_never_reaches_people_and_secrets_never_the_log(closed_port, caplog):
    address = f"https://robot:hunter2@127.0.0.1:{closed_port}/secret-name.git"
    reason = why(address, Quick())
    assert not {word for word in ("robot", "hunter2", "secret-name") if word in reason}
    assert "nothing answers" in reason
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("scheme", ["https", "ssh"])
def test_a_silent_server_costs_the_budget_and_leaves_no_process(scheme, silent_port, home):
    home.mkdir()
    address = f"{scheme}://127.0.0.1:{silent_port}/{PROJECT}.git"
    begun = time.monotonic()
    reason = why(address, Quick())
    assert reason == "git did not answer in time"
    assert 1.5 < time.monotonic() - begun < 6
    assert processes_of(address) == []
    assert processes_of(f"127.0.0.1:{silent_port}") == []


def test_a_late_source_is_unknown_and_the_others_are_not_held_up(repo, silent_port):
    tip = repo.commit({"a": b"1\n"})

    class Slow(Quick):
        def read(self, asked):
            time.sleep(1.5)
            return {}

    Slow.budget = 0.1
    begun = time.monotonic()
    answer = ask_all([whole(Slow())], question(repo.folder, tip), 3)
    assert time.monotonic() - begun < 1.4
    assert answer.states["git.head"].reason == "no answer within 0.1 s"
    assert "no answer within 0.1 s" in answer.error


def test_two_readings_at_once_wait_for_each_other(repo):
    tip = repo.commit({"a": b"1\n"})
    inside, most, guard = [], [], threading.Lock()

    def read(_):
        mirror = Repository(PROJECT, str(repo.folder), 20)
        with mirror.fetched():
            with guard:
                inside.append(1)
                most.append(len(inside))
            found = mirror.has(tip)
            time.sleep(0.05)
            with guard:
                inside.pop()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == [True] * 4
    assert max(most) == 1


def test_a_fetch_serves_who_asked_before_it_began_and_nobody_later(repo):
    first = repo.commit({"a": b"1\n"})

    def head(asked_at):
        asked = replace(question(repo.folder, first), now=asked_at)
        return ask(whole(GitSource()), asked).states["git.head"].value

    waiting = now()
    assert head(now()) == first
    second = repo.commit({"a": b"2\n"})
    assert head(waiting) == first, "it waited for the mirror while another reading fetched"
    assert head(now()) == second


def test_a_fetch_that_failed_serves_nobody(repo):
    tip = repo.commit({"a": b"1\n"})
    away = repo.folder.rename(repo.folder.with_name("away"))
    asked = question(repo.folder, tip)
    assert ask(whole(GitSource()), asked).error
    away.rename(repo.folder)
    assert ask(whole(GitSource()), asked).states["git.head"].value == tip


def test_who_waits_too_long_for_the_other_reading_gives_up(repo):
    repo.commit({"a": b"1\n"})
    with Repository(PROJECT, str(repo.folder), 20).fetched():
        late = Repository(PROJECT, str(repo.folder), 0.2)
        with pytest.raises(GitFailed, match="another reading"), late.fetched():
            raise AssertionError("two at once")


def test_nothing_of_the_served_repository_is_executed(repo, facts_of, tmp_path):
    repo.commit({"a": b"1\n", ".gitattributes": b"* filter=evil diff=evil\n"})
    trace = tmp_path / "trace"
    script = tmp_path / "evil"
    script.write_text(f"#!/bin/sh\necho $0 >> {trace}\nexec cat\n")
    script.chmod(0o755)
    hooks = repo.folder / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "reference-transaction", "pre-auto-gc", "post-update"):
        (hooks / name).write_text(script.read_text())
        (hooks / name).chmod(0o755)
    for name, value in {
        "uploadpack.packObjectsHook": str(script), "core.fsmonitor": str(script),
        "core.sshCommand": str(script), "core.pager": str(script), "diff.external": str(script),
        "diff.evil.textconv": str(script), "diff.evil.command": str(script),
        "filter.evil.smudge": str(script), "gpg.program": str(script),
        "core.hooksPath": str(hooks), "core.alternateRefsCommand": str(script),
    }.items():  # fmt: skip
        repo.git("config", name, value)
    facts = facts_of(repo.git("rev-parse", "main"))
    assert facts["files_changed"] == 2
    assert not trace.exists()


def test_no_configuration_of_the_machine_is_read(repo, facts_of, home, tmp_path, monkeypatch):
    tip = repo.commit({"a": b"1\n"})
    evil = tmp_path / "evil.config"
    evil.write_text(f'[url "{tmp_path}/elsewhere"]\n\tinsteadOf = {repo.folder}\n')
    home.mkdir()
    (home / ".gitconfig").write_text(evil.read_text())
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, str(evil))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    subprocess.run(["git", "init", "-q", str(home)], env={"PATH": os.environ["PATH"]}, check=True)
    with (home / ".git" / "config").open("a") as config:
        config.write(evil.read_text())
    assert facts_of(tip)["is_head"] is True


def test_a_mirror_whose_git_was_killed_is_used_again(repo, facts_of, home):
    facts_of(repo.commit({"a": b"1\n"}))
    mirror = home / "git" / f"{PROJECT}.git"
    locks = [mirror / "packed-refs.lock", mirror / "refs" / "heads" / "main.lock"]
    old = time.time() - STALE_LOCK_SECONDS - 1
    for lock in locks:
        lock.touch()
        os.utime(lock, (old, old))
    tip = repo.commit({"a": b"2\n"})
    assert facts_of(tip)["is_head"] is True
    assert not any(lock.exists() for lock in locks)


def test_a_mirror_that_was_half_made_is_made_again(repo, facts_of, home):
    tip = repo.commit({"a": b"1\n"})
    facts_of(tip)
    mirror = home / "git" / f"{PROJECT}.git"
    (mirror / MARK).unlink()
    (mirror / "HEAD").write_text("half")
    assert facts_of(tip)["is_head"] is True


def test_a_machine_without_git_says_so(repo, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert why(repo.folder) == "git is not installed where the portal runs"


def test_whatever_a_source_raises_is_unknown_with_a_reason():
    class Broken(GitSource):
        def read(self, asked):
            raise RecursionError("with a secret in it")

    reason = why("/nowhere", Broken())
    assert reason == "the source failed (RecursionError)"


def test_an_answer_of_the_wrong_type_is_unknown_and_spoils_nothing_else():
    class Odd(GitSource):
        def read(self, asked):
            return {"git.exists": "yes", "git.subject": "a\0b", "git.paths": [3], "git.head": "h"}

    states = ask(whole(Odd()), question("/nowhere", COMMIT)).states
    assert states["git.head"].value == "h"
    for name in ("git.exists", "git.subject", "git.paths"):
        assert "not usable" in states[name].reason
