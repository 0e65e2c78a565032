"""GitHub's own description of its API, cut down to what is asked here, and servers made from it."""

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

from tests.github import NUMBER
from tests.npm import node

PACKAGES = ("@octokit/openapi@23.0.2", "@octokit/fixtures@23.1.2", "@stoplight/prism-cli@5.14.2")
NAMED, NUMBERED = "/repos/{owner}/{repo}", f"/repositories/{NUMBER}"
TOKENS = "/app/installations/{installation_id}/access_tokens"
OURS = {"": "get", "/commits": "get", "/commits/{ref}": "get", "/branches/{branch}": "get",
        "/commits/{commit_sha}/branches-where-head": "get", "/commits/{ref}/check-runs": "get",
        "/commits/{ref}/status": "get", "/commits/{commit_sha}/pulls": "get", "/pulls": "get",
        "/compare/{basehead}": "get", "/pulls/{pull_number}/reviews": "get",
        "/actions/runs/{run_id}/attempts/{attempt_number}": "get",
        "/deployments": "get", "/deployments/{deployment_id}/statuses": "get"}  # fmt: skip
SECONDS = 60


def description(modules):
    """The paths that are asked, by the repository's number as GitHub answers them as well.

    Nothing must be there in an answer: its own examples leave some things out, our GitHub many.
    """
    path = modules / "@octokit" / "openapi" / "generated" / "api.github.com.json"
    whole = json.loads(path.read_text())
    paths = {TOKENS: {"post": whole["paths"][TOKENS]["post"]}}
    for below, method in OURS.items():
        asked = whole["paths"][NAMED + below][method]
        named = [row for row in asked["parameters"] if not _is(row, "owner", "repo")]
        answers = {status: _answer(one) for status, one in asked["responses"].items()}
        paths[NUMBERED + below] = {method: {**asked, "parameters": named, "responses": answers}}
    parts = {}
    _gather(paths, whole["components"], parts)
    parts["schemas"] = _loose(parts["schemas"])
    parts["responses"] = {name: _answer(one) for name, one in parts["responses"].items()}
    return {"openapi": whole["openapi"], "info": whole["info"], "paths": paths, "components": parts}


def _answer(one):
    # Prism knows only the media types of the description, and GitHub wants to be asked for this.
    content = {name: _loose(said) for name, said in one.get("content", {}).items()}
    if "application/json" in content:
        content["application/vnd.github+json"] = content["application/json"]
    return {**one, "content": content}


def _loose(part):
    if isinstance(part, list):
        return [_loose(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        "anyOf" if name == "oneOf" else name: _loose(one)
        for name, one in part.items()
        if name != "required" or not isinstance(one, list)
    }


def query_names(described, below):
    """What may stand in the query of a GET below the repository."""
    rows = [
        described["components"]["parameters"][_last(row)] if "$ref" in row else row
        for row in described["paths"][NUMBERED + below]["get"]["parameters"]
    ]
    return {row["name"] for row in rows if row["in"] == "query"}


@contextmanager
def prism(modules, file, mode, *more):
    """A server made from the description in `file`; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = modules / "@stoplight" / "prism-cli" / "dist" / "index.js"
    command = [str(node()), str(program), mode, "-h", "127.0.0.1", "-p", str(port)]
    with (file.parent / f"{mode}.log").open("w") as log:
        process = subprocess.Popen(
            [*command, *more[:-1], str(file), *more[-1:]],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            _await(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _await(port, process):
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("prism did not start")


def _gather(part, components, found):
    """All components that `part` refers to."""
    if isinstance(part, list):
        for one in part:
            _gather(one, components, found)
    elif isinstance(part, dict):
        for name, one in part.items():
            if name != "$ref":
                _gather(one, components, found)
                continue
            kind, called = one.split("/")[-2:]
            if called not in found.setdefault(kind, {}):
                found[kind][called] = components[kind][called]
                _gather(found[kind][called], components, found)


def _is(row, *names):
    return _last(row) in names if "$ref" in row else False


def _last(row):
    return row["$ref"].rsplit("/", maxsplit=1)[-1]
