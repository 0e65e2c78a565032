"""The process tree with dummy children: restarts, stop order, and no orphans."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from portal.runner.log import Log
from portal.runner.process import Command, launch
from portal.runner.tree import Child, ChildFailed, Tree, how_it_ended

CHECKOUT = Path(__file__).parents[2]
POLITE = ("one", "two", "three")
EVERYBODY = (*POLITE, "family", "grandchild")


def start(place: Path, *options: str, **popen) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.runner.dummy_tree", place, *options],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **popen,
    )


def pid_of(place: Path, name: str) -> int:
    try:
        return int((place / f"{name}.pid").read_text())
    except (FileNotFoundError, ValueError):
        return 0


def all_up(place: Path, names: tuple[str, ...] = EVERYBODY) -> bool:
    return all(pid_of(place, name) for name in names)


@pytest.fixture
def tree(place, eventually):
    with start(place) as runner:
        eventually(lambda: all_up(place), "every child is up")
        yield runner
        if runner.poll() is None:
            runner.terminate()
            runner.communicate(timeout=20)


def test_ctrl_c_stops_everything_in_reverse_order(tree, place, is_gone):
    pids = [pid_of(place, name) for name in EVERYBODY]
    tree.send_signal(signal.SIGINT)
    output, _ = tree.communicate(timeout=20)
    assert tree.returncode == 0
    assert (place / "stops.txt").read_text().split() == ["three", "two", "one"]
    assert all(is_gone(pid) for pid in pids)
    assert "one      | one is up" in output
    assert output.rstrip().endswith("run      | one stopped")


def test_a_second_signal_does_not_break_the_stop(place, eventually, is_gone):
    with start(place, "--deaf") as runner:
        eventually(lambda: all_up(place, (*EVERYBODY, "deaf")), "every child is up")
        pids = [pid_of(place, name) for name in (*EVERYBODY, "deaf")]
        runner.send_signal(signal.SIGTERM)
        runner.send_signal(signal.SIGTERM)
        output, _ = runner.communicate(timeout=20)
    assert runner.returncode == 0
    assert "deaf had to be killed" in output
    assert all(is_gone(pid) for pid in pids)


def test_kill_9_of_the_runner_leaves_no_process(place, eventually, is_gone):
    with start(place, "--deaf") as runner:
        eventually(lambda: all_up(place, (*EVERYBODY, "deaf")), "every child is up")
        pids = [pid_of(place, name) for name in (*EVERYBODY, "deaf")]
        runner.kill()
        runner.communicate(timeout=20)
    for pid in pids:
        eventually(lambda pid=pid: is_gone(pid), f"process {pid} ended")


def test_a_new_run_waits_for_the_children_of_a_killed_one(place, eventually, is_gone):
    with start(place, "--deaf") as killed:
        eventually(lambda: all_up(place, (*EVERYBODY, "deaf")), "every child is up")
        deaf = pid_of(place, "deaf")
        killed.kill()
        killed.communicate(timeout=20)
    (place / "one.pid").unlink()
    with start(place) as again:
        eventually(lambda: pid_of(place, "one"), "the new run is up")
        assert is_gone(deaf)
        again.terminate()
        again.communicate(timeout=20)
    assert again.returncode == 0


def test_a_second_run_on_the_same_directory_is_refused(tree, place):
    with start(place) as second:
        output, _ = second.communicate(timeout=20)
    assert second.returncode != 0
    assert f"already runs on {place} (process {tree.pid})" in output
    assert tree.poll() is None


def test_a_dead_child_is_started_again(tree, place, eventually):
    before = pid_of(place, "two")
    os.kill(before, signal.SIGKILL)
    eventually(lambda: pid_of(place, "two") not in (0, before), "two is back")
    assert pid_of(place, "one")
    tree.terminate()
    output, _ = tree.communicate(timeout=20)
    assert "two was ended by SIGKILL; starting it again in 0.5 s" in output


def test_a_child_whose_guard_is_killed_leaves_nothing_behind(tree, place, eventually, is_gone):
    before, grandchild = pid_of(place, "family"), pid_of(place, "grandchild")
    status = Path(f"/proc/{before}/status")
    if not status.exists():
        pytest.skip("needs /proc to find the guard")
    guard = int(status.read_text().split("PPid:")[1].split()[0])
    os.kill(guard, signal.SIGKILL)
    eventually(lambda: is_gone(before) and is_gone(grandchild), "the old family is gone")
    eventually(lambda: pid_of(place, "family") != before, "family is back")


def test_the_tree_stops_when_its_parent_is_killed(place, eventually, is_gone):
    line = f"{sys.executable} -m tests.runner.dummy_tree {place} --with-parent; true"
    with subprocess.Popen(["sh", "-c", line], cwd=CHECKOUT, stdout=subprocess.DEVNULL) as parent:
        eventually(lambda: all_up(place), "every child is up")
        pids = [pid_of(place, name) for name in EVERYBODY]
        parent.kill()
    for pid in pids:
        eventually(lambda pid=pid: is_gone(pid), f"process {pid} ended")
    stops = place / "stops.txt"
    eventually(lambda: stops.read_text().split() == ["three", "two", "one"], "a clean stop")


class Lines:
    """A stream that keeps what is written to it."""

    def __init__(self, *, terminal: bool = False) -> None:
        self.text = ""
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        return


def sh(text: str, place: Path) -> Command:
    return Command(["sh", "-c", text], dict(os.environ), place, grace=1.0)


def test_a_step_that_fails_shows_what_it_said(place):
    lines = Lines()
    with pytest.raises(ChildFailed, match=r"migrate ended with code 3\."):
        Tree(Log(lines)).run("migrate", sh("echo no such table; exit 3", place), show=False)
    assert lines.text == "migrate  | no such table\n"


def test_a_step_that_works_gives_its_output(place):
    lines = Lines()
    assert Tree(Log(lines)).run("demo", sh("echo a; echo b", place), show=False) == ["a", "b"]
    assert lines.text == ""


def test_a_child_that_ends_during_the_set_up_ends_the_set_up(place):
    tree = Tree(Log(Lines()))
    tree.start("database", lambda: sh("exit 1", place))
    with pytest.raises(ChildFailed, match="database ended with code 1 while"):
        tree.run("migrate", sh("sleep 60", place))
    tree.stop()


def test_a_program_that_is_missing_is_named(place):
    lines = Lines()
    missing = Command([place / "nothing"], {}, place)
    with pytest.raises(ChildFailed, match="code 127"):
        Tree(Log(lines)).run("web", missing)
    assert f"cannot start {place}/nothing: No such file or directory" in lines.text


def test_restarts_wait_longer_each_time_up_to_half_a_minute(place):
    process = launch(sh("exit 0", place))
    process.wait()
    child = Child("web", lambda: sh("exit 0", place), process, None, started_at=0.0)
    assert [child.next_delay(now=1.0) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert child.next_delay(now=1000.0) == 0.5
    process.stop()


def test_a_terminal_gets_colours_and_no_control_characters_of_a_child(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, pipe = Lines(terminal=True), Lines()
    for stream in (terminal, pipe):
        Log(stream).line("web", "GET /\x1b[2Jevil\ttab")
    assert terminal.text == "\x1b[35mweb      |\x1b[0m GET /?[2Jevil\ttab\n"
    assert pipe.text == "web      | GET /?[2Jevil\ttab\n"


def test_exit_codes_are_told_in_words():
    assert how_it_ended(0) == "ended with code 0"
    assert how_it_ended(128 + 15) == "was ended by SIGTERM"
