"""No page points at nothing."""

import re

import pytest

from tests.docs.pages import PAGES, ROOT, anchors, name, prose

CODE = ("approvals", "policies", "portal", "templates", "tests", "plugins", "docs", "bench")
FILE = re.compile(rf"`((?:{'|'.join(CODE)})/[\w./*-]*)`")


def links(sheet):
    found = re.findall(r"\]\(([^)\s]+)\)", prose(sheet))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("sheet", PAGES, ids=name)
def test_every_relative_link_leads_somewhere(sheet):
    for link in links(sheet):
        path, _, anchor = link.partition("#")
        target = (sheet.parent / path).resolve() if path else sheet
        assert target.exists(), f"{name(sheet)} points at {link}"
        assert not anchor or anchor in anchors(target), f"{name(sheet)} points at {link}"


@pytest.mark.parametrize("sheet", PAGES, ids=name)
def test_every_file_of_ours_that_a_page_names_exists(sheet):
    base = sheet.parent if "template" in sheet.parts else ROOT
    for path in FILE.findall(prose(sheet)):
        assert list(base.glob(path)), f"{name(sheet)} names {path}"


def test_architecture_names_every_step_of_the_life_of_a_request():
    architecture = ROOT / "docs" / "explanation" / "architecture.md"
    named = set(FILE.findall(prose(architecture)))
    steps = {name(path) for path in (ROOT / "approvals" / "lifecycle").glob("[!_]*.py")}
    assert steps - named == set()


def test_the_index_leads_to_every_page_of_the_documentation():
    seen, todo = set(), [ROOT / "docs" / "README.md"]
    while todo:
        sheet = todo.pop()
        if sheet in seen or sheet.suffix != ".md":
            continue
        seen.add(sheet)
        todo += [(sheet.parent / link.partition("#")[0]).resolve() for link in links(sheet)]
    assert {sheet for sheet in PAGES if "docs" in sheet.relative_to(ROOT).parts} - seen == set()


def test_decisions_are_numbered_without_a_gap_dated_and_listed():
    folder = ROOT / "docs" / "explanation" / "decisions"
    records = sorted(folder.glob("[0-9]*.md"))
    listed = (folder / "README.md").read_text()
    assert len(records) >= 11
    for number, record in enumerate(records, start=1):
        text = record.read_text()
        assert record.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        assert re.search(r"^\d{4}-\d\d-\d\d, \w+", text, re.MULTILINE)
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
        ]
        assert f"({record.name})" in listed
