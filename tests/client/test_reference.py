"""The reference names every option, variable and exit status, and nothing that is not there."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from tests.client.conftest import CLIENTS

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCS / "reference" / "client.md").read_text()
HOW_TO = (DOCS / "how-to" / "connect-a-pipeline.md").read_text()
POLICY_FILES = (DOCS / "how-to" / "policies-from-files.md").read_text()
STEPS = (
    *("gate", "request", "token", "wait", "redeem", "finish", "withdraw", "verify", "evidence"),
    "policy",
)


def options_of(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


@pytest.fixture
def known(python):
    """The options of every step, from its own help."""
    helps = {step: python.run(step, "--help").stdout for step in STEPS}
    return {step: options_of(text) for step, text in helps.items()}


def test_every_option_is_documented_and_every_documented_option_exists(known):
    existing = set().union(*known.values()) | {"--version"}
    assert options_of(REFERENCE) == existing


def test_the_shell_client_knows_the_gates_options_but_three(known, shell_client):
    shell = options_of(shell_client("sh").run("--help").stdout)
    assert shell == known["gate"] - {"--json", "--keys", "--plan-json", "--help"}


def test_the_how_to_uses_only_options_of_the_steps_it_names(known):
    commands = re.findall(r"countersign(?:\.py)? (\w+) ((?:[^\n`]|\\\n)*)", HOW_TO)
    assert {step for step, _ in commands} >= set(STEPS) - {"withdraw", "evidence", "policy"}
    for step, rest in commands:
        assert options_of(rest.split(" -- ")[0]) <= known[step], (step, rest)


def test_the_how_to_on_policy_files_uses_only_options_of_that_step(known):
    commands = re.findall(r"countersign(?:\.py)? (\w+) ([^\n`]*)", POLICY_FILES)
    assert {step for step, _ in commands} == {"policy"}
    assert options_of(" ".join(rest for _, rest in commands)) <= known["policy"]
    for block in re.findall(r"```yaml\n(.*?)```", POLICY_FILES, re.DOTALL):
        assert "countersign.py policy test" in str(yaml.safe_load(block))


def test_every_exit_status_is_documented():
    tree = ast.parse((CLIENTS / "countersign.py").read_text())
    statuses = {
        node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id.startswith("EXIT_")
    }
    assert statuses == {1, 64, 65, 66, 67, 69, 70}
    rows = {int(row) for row in re.findall(r"^\| (\d+) \|", REFERENCE, re.MULTILINE)}
    assert rows == statuses


def test_every_variable_of_ours_is_documented():
    for client in ("countersign.py", "countersign.sh"):
        source = (CLIENTS / client).read_text()
        for variable in set(re.findall(r"COUNTERSIGN_[A-Z_]+[A-Z]", source)):
            assert f"`{variable}`" in REFERENCE


def test_the_yaml_of_the_how_to_is_yaml():
    blocks = re.findall(r"```yaml\n(.*?)```", HOW_TO, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        assert "countersign.py gate" in str(yaml.safe_load(block))
