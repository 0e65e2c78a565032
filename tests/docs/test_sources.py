"""The package that docs/how-to/write-a-source.md shows is installed and used as it stands there."""

import sys
import tomllib

import pytest

from approvals.connections.check import check_connection
from approvals.connections.configure import create_connection
from approvals.context import installed, registry
from approvals.context.collect import ask as ask_source
from approvals.context.collect import question_about, remote_sources
from portal.kernel.clock import now
from tests.docs.pages import ROOT, blocks
from tests.factories import ask
from tests.remote import Remote, Says

SHEET = ROOT / "docs" / "how-to" / "write-a-source.md"

pytestmark = pytest.mark.django_db


@pytest.fixture
def installation(tmp_path, monkeypatch):
    """A folder of installed packages with this one in it, as an installer leaves it."""
    (project,) = blocks(SHEET, "toml")
    (module,) = blocks(SHEET, "python")
    table = tomllib.loads(project)["project"]
    (group,) = table["entry-points"]
    entries = "".join(f"{n} = {value}\n" for n, value in table["entry-points"][group].items())
    folder = tmp_path / f"{table['name'].replace('-', '_')}-{table['version']}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {table['name']}\nVersion: {table['version']}\n"
    )
    (folder / "entry_points.txt").write_text(f"[{group}]\n{entries}")
    (tmp_path / "countersign_flags.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("countersign_flags", None)


def test_the_example_package_is_found_by_its_entry_point_and_read(installation, who, monkeypatch):
    sources, problems = installed.installed_sources(registry.OURS, registry.SOURCES.values())
    assert problems == ()
    monkeypatch.setitem(registry.CONNECTED, "flags", sources["flags"])
    remote = Remote()
    remote.paths["/api/releases"] = Says(["eu-shop"])
    remote.paths["/api/releases/eu-shop"] = Says({"held": True, "by": "Ana"})
    connection = create_connection(
        by=who.admin, kind="flags", name="flags", project=who.project, private=True,
        settings={"url": remote.url, "prefix": "eu-"}, secrets={"token": "t0ken"},
    )  # fmt: skip
    found = check_connection(by=who.admin, connection=connection)
    assert found.sentence == "The flag server knows 1 projects."
    question = question_about(ask(who), now())
    (asked,) = remote_sources(question)
    states = ask_source(asked, question).states
    assert states["flag.release_held"].value is True
    assert states["text.release_held_by"].value == "Ana"
    assert remote.asked[-1][2]["authorization"] == "Bearer t0ken"
    remote.close()
