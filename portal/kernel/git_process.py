"""The git program as a child: hardened, ended in time, its words turned into ours. No Django."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

# `safe.directory`: local folders belong to other users; which ones may be read is decided when a
# project is saved (GIT_ROOTS), and nothing of theirs is ever executed.
CONFIGURATION = """\
[protocol]
	allow = never
[protocol "https"]
	allow = always
[protocol "ssh"]
	allow = always
[protocol "file"]
	allow = always
[safe]
	directory = *
[core]
	hooksPath = /dev/null
[gc]
	auto = 0
[http]
	lowSpeedLimit = 1
	lowSpeedTime = 20
"""
SSH = "ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3"

# What git says, and what people are told instead: git's own words repeat the address.
_SAID = (
    (r"resolve host", "its host is not known here"),
    (r"connection refused|connect to server", "nothing answers at its address"),
    (r"host key verification", "its host key is not known here"),
    (r"certificate", "its certificate is not accepted"),
    (r"permission denied|authentication failed|could not read username|terminal prompts disabled",
     "it does not let the portal in"),
    (r"couldn't find remote ref", "it does not have this branch"),
    (r"not found|does not appear to be a git repository|does not exist",
     "there is none at its address"),
    (r"transport .* not allowed|unable to find remote helper|strange hostname",
     "its kind of address is not allowed"),
    (r"\[(remote )?rejected\]", "it refuses the commit"),
    (r"mismatched algorithms", "it changed its object format; the next reading starts anew"),
)  # fmt: skip


class GitFailed(Exception):
    """git could not answer; the sentence is fit for people and names no address."""


def run_git(
    arguments: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    seconds: float,
    stdin: bytes = b"",
) -> tuple[int, bytes, str]:
    """Exit code, output and what git said beside it; after `seconds` it and its children are ended.

    Raises GitFailed when there is no git, or no answer in time.
    """
    try:
        process = subprocess.Popen(
            ["git", *arguments], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=cwd, start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise GitFailed("git is not installed where the portal runs") from None
    try:
        out, err = process.communicate(stdin, timeout=max(0.1, seconds))
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise GitFailed("git did not answer in time") from None
        raise
    return process.returncode, out, err.decode(errors="replace")


def git_environment(home: Path, configuration: Path) -> dict[str, str]:
    """What git may know; `configuration` is the only one that it reads."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(configuration),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": SSH,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LITERAL_PATHSPECS": "1",
    }


def reason(command: str, code: int, said: str) -> str:
    """Why a command failed, in words that repeat no address."""
    found = (text for words, text in _SAID if re.search(words, said, re.IGNORECASE))
    return next(found, f"git {command} ended with exit code {code}")


def scrubbed(text: str) -> str:
    """For the log: without user names and passwords, on one line, not endless."""
    return " / ".join(re.sub(r"//[^/@\s]*@", "//", text).split("\n"))[:1000]
