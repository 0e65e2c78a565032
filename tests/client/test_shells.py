"""The same shell twin in the shells that runner images have, and the same Python everywhere."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.conftest import CLIENTS
from tests.client.portal_double import TOKEN, Answer, a_permit, a_request, drift


def busybox_only(folder):
    """A folder with busybox for every tool, as in a small image, and curl."""
    program = shutil.which("busybox")
    applets = subprocess.run(
        [program, "--list"], capture_output=True, text=True, check=True
    ).stdout.split()
    folder.mkdir()
    for applet in applets:
        (folder / applet).symlink_to(program)
    (folder / "curl").symlink_to(shutil.which("curl"))
    return folder


@pytest.fixture(params=["dash", "busybox", "bash"])
def client(request, shell_client, tmp_path):
    if not shutil.which(request.param):
        pytest.skip(f"{request.param} is not installed here")
    if request.param == "busybox":
        folder = busybox_only(tmp_path / "bin")
        made = shell_client(str(folder / "sh"))
        made.env["PATH"] = str(folder)
        return made
    return shell_client(request.param, *(["--posix"] if request.param == "bash" else []))


def test_a_long_story_ends_the_same_in_every_shell(double, client):
    double.on("ask", a_request()).on("redeem", drift(), a_permit(heartbeat_seconds=1))
    double.on("read", a_request("approved", 2), a_request("approved", 4, round=2))
    done = client.gate("--reason", 'a "b"\nc\\', "--claim", "n=1", script="sleep 1; exit 5")
    assert done.returncode == 5, done.stderr
    assert "git.head was 9f3c, is now 77ab" in done.stderr
    assert double.sent("ask")[0]["reason"] == 'a "b"\nc\\'
    assert double.sent("ask")[0]["claims"] == {"n": 1}
    assert double.sent("finish")[0]["exit_code"] == 5
    assert double.count("heartbeat") >= 1


@pytest.mark.usefixtures("default_signals")
def test_a_cancelled_wait_withdraws_in_every_shell(double, client):
    double.on("ask", a_request()).on("read", Answer(200, a_request().raw, after=20))
    process = client.start(*client.gated())
    double.wait_for("read")
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert double.count("withdraw") == 1


SOURCE = (CLIENTS / "countersign.sh").read_text()
ASSIGNED = set(re.findall(r"(?m)(?:^|[\s;(])(?<!-v )([A-Za-z_]\w*)=", SOURCE))


def test_the_command_has_the_environment_that_the_client_was_given(double, client):
    """Assigning to a variable that came exported would hand it on, the token among them."""
    double.on("ask", a_request("approved")).on("redeem", a_permit())
    ours = {name for name in ASSIGNED if name.startswith("cs_")}
    assert {"cs_token", "cs_url", "cs_version", "cs_environment"} <= ours
    mine = {name.removeprefix("cs_"): f"my {name}" for name in ours}
    client.env |= {**mine, **dict.fromkeys(ours, "of the caller"), "LC_ALL": "C.UTF-8"}
    done = client.gate(script="umask; env")
    assert done.returncode == 0, done.stderr
    umask, *lines = done.stdout.splitlines()
    assert int(umask, 8) == int(subprocess.check_output(["sh", "-c", "umask"]), 8)
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    assert {**mine, "LC_ALL": "C.UTF-8"}.items() <= found.items()
    assert not {name for name in found if name.startswith("cs_")}
    assert TOKEN not in done.stdout


def test_the_command_has_no_locale_that_the_client_was_not_given(double, client):
    double.on("ask", a_request("approved")).on("redeem", a_permit())
    assert "LC_ALL" not in client.gate(script="env").stdout


def test_half_an_answer_is_refused_in_every_shell(double, client):
    permit = a_permit()
    double.on("ask", a_request("approved")).on("redeem", Answer(200, permit.raw[:-1]))
    assert client.gate("--timeout", "0s").returncode == 69
    assert not client.ran()


def test_curl_never_reads_a_configuration_of_the_user(double, client):
    (client.folder / ".curlrc").write_text('user-agent = "from curlrc"\nlocation\n')
    double.on("ask", a_request("denied"))
    assert client.gate().returncode == 65
    assert double.calls[0]["headers"]["User-Agent"].startswith("countersign-sh/")


def test_the_shell_twin_passes_shellcheck():
    program = Path(sys.executable).with_name("shellcheck")
    if not program.exists():
        pytest.skip("shellcheck is not installed here")
    files = [CLIENTS / "countersign.sh", *(CLIENTS.parent / "demo").glob("**/*.sh")]
    done = subprocess.run([program, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def old_python():
    """The oldest interpreter we promise, if one is found on this machine."""
    roots = [os.environ.get("PYENV_ROOT"), Path.home() / ".pyenv"]
    for root in filter(None, roots):
        for program in sorted(Path(root).glob("versions/3.8.*/bin/python")):
            return str(program)
    return shutil.which("python3.8")


def test_the_python_client_runs_on_the_oldest_python_we_promise(double, python):
    program = old_python()
    if not program:
        pytest.skip("no Python 3.8 on this machine")
    python.program[0] = program
    double.on("ask", a_request()).on("read", a_request("approved", 2))
    double.on("redeem", drift(), a_permit())
    done = python.gate("--timeout", "10s", script="exit 4")
    assert done.returncode == 4, done.stderr
    assert python.run("gate", "--help").returncode == 0


def test_the_python_client_needs_no_package_at_all(double, python):
    python.program[1:1] = ["-I", "-S"]
    double.on("ask", a_request("approved")).on("redeem", a_permit())
    assert python.gate().returncode == 0


def test_both_clients_carry_the_same_version(python, shell_client):
    shell = shell_client("sh").run("--version").stdout.split()[-1]
    assert python.run("--version").stdout.split()[-1] == shell
