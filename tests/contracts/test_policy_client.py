"""The client asks the real portal about a document in a file."""

import os
import subprocess
import sys
from pathlib import Path

from approvals.ci.examples import DOCUMENT
from tests.factories import ask

CLIENT = Path(__file__).parents[2] / "plugins" / "client" / "countersign.py"


def test_the_client_tests_and_explains_a_document(portal_server, committed, tmp_path):
    file, request = tmp_path / "shop.yaml", ask(committed)
    env = {
        "PATH": os.environ["PATH"],
        "COUNTERSIGN_URL": portal_server.url,
        "COUNTERSIGN_TOKEN": committed.secret,
        "NO_PROXY": "*",
    }

    def policy(verb, text, *options):
        file.write_text(text)
        command = [sys.executable, str(CLIENT), "policy", verb, *options, str(file)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout

    passed = f"{file}: passed: production needs a lead\n"
    assert policy("test", DOCUMENT) == (
        0,
        f"{passed}1 file, 0 problems, 1 test, 0 failed.\n",
    )
    status, said = policy("check", DOCUMENT.replace("environment ==", "enviroment =="))
    assert (status, said.startswith(f"{file}:6:11: unknown fact")) == (1, True)
    status, said = policy("check", "# " + "“é" * 12_000 + "\n" + DOCUMENT)
    assert (status, said) == (0, "1 file, 0 problems, 1 test, 0 failed.\n")
    status, said = policy("explain", DOCUMENT, "--request", str(request))
    assert (status, said.splitlines()[0]) == (0, f"{file}: review")
    assert "    To pass: 1 approval from team-leads." in said.splitlines()
    status, said = policy("backtest", DOCUMENT.replace("count: 1", "count: 2"), "--last", "5")
    lines = said.splitlines()
    assert (status, lines[0]) == (0, f"{file}: 1 request judged again, 1 of them by this policy")
    assert any(str(request.id) in line and "review -> review" in line for line in lines)
    assert lines[-1] == "1 file, 0 problems."
