"""aics-witness, which somebody else wrote, and what it makes of a log that was set back."""

import signal
import socket
import subprocess
from contextlib import closing

import pytest

from portal.sealer.refusals import Contradicted
from tests.integration.sealing.book import write
from tests.integration.sealing.outside import Backup, anchored, started
from tests.pypi import python_module, python_since
from tests.server import eventually

RUN = "from aics_witness.cli import main; import sys; sys.exit(main())"


class OtherWitness:
    """The program with a configuration of its own in `folder`."""

    def __init__(self, folder):
        python = python_since(12)
        self._environment = python_module(python, "aics-witness==0.1.0", "aics-tlog==0.2.1")
        self._command = [python, "-c", RUN]
        self._config = ["--config", str(folder / "witness.json")]
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        said = self._run("init", "--name", "witness.example/other",
                         "--listen", f"127.0.0.1:{self._port}")  # fmt: skip
        self.vkey = next(word for word in said.split() if word.startswith("witness.example/other+"))
        self.address = f"witness+http://127.0.0.1:{self._port}#{self.vkey}"
        self._process = None

    def trust(self, vkey):
        self._run("add-log", "--origin", vkey.partition("+")[0], "--vkey", vkey)
        if self._process:
            self._process.send_signal(signal.SIGHUP)
            return
        self._process = subprocess.Popen(
            [*self._command, "serve", *self._config], env=self._environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        eventually(self._listens, "the witness listens")

    def close(self):
        if self._process:
            self._process.terminate()
            self._process.wait(10)

    def _run(self, *arguments):
        done = subprocess.run(
            [*self._command, *arguments, *self._config], env=self._environment,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def _listens(self):
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self._port)) == 0


@pytest.fixture
def witness(sealed, tmp_path):
    """It trusts the log, and has cosigned its first three entries."""
    with closing(OtherWitness(tmp_path)) as found:
        found.trust(sealed.one("SELECT vkey FROM ledger_key"))
        anchored(sealed, found.address)
        yield found


def test_it_cosigns_what_goes_on(sealed, witness):
    write(sealed.app, 600)
    sealed.seal()
    anchored(sealed, witness.address)
    started(sealed, witness.address)
    keys = sealed.rows("SELECT size, key FROM ledger_cosignature ORDER BY size")
    assert keys == [(3, witness.vkey), (603, witness.vkey)]


def test_it_refuses_a_log_that_was_set_back_and_one_that_forked(sealed, witness):
    backup = Backup(sealed)
    write(sealed.app, 2)
    sealed.seal()
    anchored(sealed, witness.address)
    backup.restore()
    with pytest.raises(Contradicted, match=r"5 entries .* it was set back"):
        started(sealed, witness.address)
    for count in (2, 4):
        write(sealed.app, count, text="other")
        sealed.seal()
        with pytest.raises(Contradicted, match="does not fit the entries here"):
            started(sealed, witness.address)
