"""What a page tells people to type is there."""

import re

import pytest
from django.core.management import get_commands

from approvals.management.company import PEOPLE, PROJECTS
from portal.config.celery import app
from portal.runner import roles
from portal.runner.addresses import APP, DATABASE, OWNER, SEALER
from tests.docs.pages import PAGES, ROOT, blocks, name

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
PRODUCTION = ROOT / "docs" / "how-to" / "run-in-production.md"
TUTORIAL = ROOT / "docs" / "tutorial" / "first-approval.md"


@pytest.mark.parametrize("sheet", PAGES, ids=name)
def test_every_documented_make_target_exists(sheet):
    text = sheet.read_text(encoding="utf-8")
    named = re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)
    assert set(named) <= TARGETS


@pytest.mark.parametrize("sheet", PAGES, ids=name)
def test_every_documented_manage_command_exists(sheet):
    named = re.findall(r"manage\.py ([a-z_]+)", sheet.read_text(encoding="utf-8"))
    assert set(named) <= set(get_commands())


def test_the_readme_shows_both_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "| `make run` |" in readme
    assert "| `make test` |" in readme


def test_the_sql_of_the_how_to_is_what_make_run_does():
    block = next(block for block in blocks(PRODUCTION, "sql") if "CREATE ROLE" in block)
    names = {"database": DATABASE, "owner": OWNER, "app": APP, "sealer": SEALER}
    grants = roles._GRANTS.format(**names)
    assert block.split(f"\\connect {DATABASE}\n")[1].strip() == grants.strip()
    for role in (OWNER, APP, SEALER):
        assert f"CREATE ROLE {role} LOGIN PASSWORD '...';" in block


def test_the_processes_of_the_how_to_are_ours():
    text = PRODUCTION.read_text(encoding="utf-8")
    modules = set(re.findall(r"python -m (portal\.[\w.]+)", text))
    assert modules == {"portal.config.server", "portal.sealer"}
    assert (ROOT / "portal" / "config" / "server.py").exists()
    assert set(re.findall(r"celery -A ([\w.]+)", text)) == {"portal.config.celery"}
    assert app.main == "countersign"


def test_the_tutorial_lists_the_people_of_the_demo():
    text = TUTORIAL.read_text(encoding="utf-8")
    for person in PEOPLE:
        assert re.search(rf"^    {person.username} +\S+ +{person.name}, {person.does}$", text, re.M)


@pytest.mark.parametrize("sheet", [TUTORIAL, ROOT / "README.md"], ids=name)
def test_the_gated_commands_ask_for_a_project_of_the_demo(sheet):
    for block in blocks(sheet, "sh"):
        for project in re.findall(r"--project (\S+)", block):
            assert project in PROJECTS
