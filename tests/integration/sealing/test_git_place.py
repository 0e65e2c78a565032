"""A branch of a git repository that keeps checkpoints."""

from base64 import b64encode
from pathlib import Path

import pytest

from portal.kernel.git_process import run_git
from portal.sealer.places import places_of
from portal.sealer.refusals import PlaceFailed, WrongSetting
from tests.integration.sealing.outside import NOTE, Git, anchored, looked_at, refusal, seal_more


@pytest.fixture
def git(tmp_path):
    return Git(tmp_path / "anchors.git")


def test_git_has_one_commit_for_each_checkpoint(sealed, git):
    anchored(sealed, git.address)
    seal_more(sealed)
    anchored(sealed, git.address)
    assert git.notes() == [sealed.one(NOTE, 3), sealed.one(NOTE, 4)]
    assert git.git("log", "-1", "--format=%s, by %an", "checkpoints") == (
        "4 entries of countersign.example/log/1, by Countersign sealer\n"
    )


def test_git_never_forces(sealed, git, monkeypatch):
    anchored(sealed, git.address)
    first = git.git("rev-parse", "checkpoints")
    seal_more(sealed)
    anchored(sealed, git.address)
    between = git.git("rev-parse", "checkpoints")
    git.git("update-ref", "refs/heads/checkpoints", first.strip())
    seal_more(sealed)
    ((place, history),) = looked_at(sealed, git.address)

    def meanwhile(*_):
        git.git("update-ref", "refs/heads/checkpoints", between.strip())

    monkeypatch.setattr(history, "require", meanwhile)
    with pytest.raises(PlaceFailed, match="could not be reached: it refuses the commit"):
        place.anchor(history.newest(), history)
    assert git.git("rev-parse", "checkpoints") == between


def test_git_leaves_a_branch_of_something_else_alone(sealed, git):
    git.commit({"README": "mine"})
    assert "holds something else" in refusal(sealed, git.address)
    assert git.git("rev-list", "--count", "checkpoints") == "1\n"


def test_git_takes_no_checkpoint_that_somebody_else_wrote(sealed, git):
    note = sealed.one(NOTE, 3)
    git.commit({"checkpoint": note.replace("\n3\n", "\n9000\n")})
    assert "holds what is no checkpoint of ours: the signature of" in refusal(sealed, git.address)


def test_git_says_why_it_cannot_be_reached(sealed, tmp_path):
    assert refusal(sealed, f"git+file://{tmp_path}/none.git") == (
        "could not be reached: there is none at its address"
    )


def test_a_token_for_git_is_in_no_name_and_on_no_command_line(sealed, monkeypatch):
    lines, configurations = [], []

    def listening(arguments, **how):
        lines.extend(arguments)
        configurations.append(Path(how["environment"]["GIT_CONFIG_GLOBAL"]).read_text())
        return run_git(["ls-remote", "--", "file:///none"], **how)

    monkeypatch.setattr("portal.sealer.places.git.run_git", listening)
    address = "git+https://ada:to%2Fken@git.example/anchors.git"
    refusal(sealed, address)
    (place,) = places_of([address])
    assert place.name == "git+https://git.example/anchors.git#countersign"
    assert "https://git.example/anchors.git" in lines
    secret = b64encode(b"ada:to/ken").decode()
    assert not any("ken" in line or secret in line for line in lines)
    assert f'extraHeader = "Authorization: Basic {secret}"' in configurations[0]


@pytest.mark.parametrize(
    ("addresses", "says"),
    [
        (["ftp://x"], "begins with one of git"),
        (["git+file:///a", "git+file:///a"], "names git.file:///a#countersign twice"),
        (["git+https://host"], "named by host and path"),
        (["git+https://host/x#--upload-pack=sh"], "cannot be the name of a branch"),
        (["git+file:///a#x..y"], "cannot be the name of a branch"),
        (["git+ssh://a:secret@host/x"], "a password is for https only"),
    ],
)
def test_a_wrong_address_of_git_is_refused_at_the_start(addresses, says):
    with pytest.raises(WrongSetting, match=says) as refused:
        places_of(addresses)
    assert "secret" not in str(refused.value)
