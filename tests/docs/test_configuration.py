"""The README's table of variables is the code's."""

import ast
import re

import pytest

from portal.config.environment import Environment
from tests.docs.pages import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## Configuration")[1].split("\n## ")[0]
TABLE = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", SECTION, re.MULTILINE))
# What the machine and the tools around us say, and what a child gets from its parent.
NOT_OURS = {"PATH", "PYTHONPATH", "DJANGO_SETTINGS_MODULE"}
ENVIRONMENTS = {"os.environ", "environment"}


def read_by(path):
    """The variables that a file reads: `X.get("NAME")` and `X["NAME"]` on an environment."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        key = None
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) in ENVIRONMENTS:
            key = node.slice
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"get", "setdefault"}
            and ast.unparse(node.func.value) in ENVIRONMENTS
        ):
            key = node.args[0]
        if isinstance(key, ast.Constant):
            yield key.value


def read_by_the_code():
    declared = {str(field.validation_alias) for field in Environment.model_fields.values()}
    files = (
        path for app in ("portal", "policies", "approvals") for path in (ROOT / app).rglob("*.py")
    )
    return declared | {variable for path in files for variable in read_by(path)} - NOT_OURS


def test_every_variable_is_in_the_table_and_the_table_has_no_other():
    assert set(TABLE) == read_by_the_code()


@pytest.mark.parametrize("variable", ["PORT", "HOST", "ALLOWED_HOSTS", "COUNTERSIGN_WEB_THREADS"])
def test_a_plain_default_is_the_one_of_the_code(variable):
    fields = {str(f.validation_alias): f for f in Environment.model_fields.values()}
    assert str(fields[variable].default).replace(",", ", ") == TABLE[variable]


def test_the_settings_of_make_run_named_by_the_makefile_are_in_the_table():
    line = re.search(r"Settings of `make run`: (.*)", (ROOT / "Makefile").read_text())[1]
    assert set(re.findall(r"[A-Z_]{4,}", line)) <= set(TABLE)
