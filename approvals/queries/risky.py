"""Which changed paths a reviewer should look at first, and why. Pure.

What the policies in force name comes first; then this short list of places where a small change
does much. `docs/reference/paths.md` says the same.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from policies.language.globs import glob_problem, match_glob

#: What kind of place, and the globs of it.
PLACES: Mapping[str, tuple[str, ...]] = {
    "migration": ("**/migrations/**", "**/migrate/**", "**/*.sql"),
    "infrastructure": (
        *("**/*.tf", "**/*.tfvars", "**/.terraform.lock.hcl", "**/terraform/**", "**/ansible/**"),
        *("**/helm/**", "**/charts/**", "**/k8s/**", "**/kubernetes/**", "**/kustomization.y*ml"),
        *("**/Dockerfile*", "**/docker-compose*.y*ml", "**/compose.y*ml"),
    ),
    "pipeline": (
        *(".github/**", ".gitlab-ci.yml", ".gitlab/**", "**/Jenkinsfile*", ".circleci/**"),
        *("**/azure-pipelines*.y*ml", "bitbucket-pipelines.yml", ".buildkite/**", ".ci/**"),
        *("**/CODEOWNERS", ".woodpecker/**", ".drone.yml", ".travis.yml"),
    ),
    "dependencies": (
        *("**/*.lock", "**/package-lock.json", "**/pnpm-lock.yaml", "**/go.sum", "**/go.mod"),
        *("**/requirements*.txt", "**/packages.lock.json", "**/gradle.lockfile"),
        *("**/npm-shrinkwrap.json",),
    ),
}
_TEXT = r"""(?:'([^'\\]*)'|"([^"\\]*)")"""
_GLOBS = re.compile(rf"\bmatches_path\(\s*[^'\",()]+,\s*{_TEXT}\s*\)")
_ENDS = re.compile(rf"\.(startsWith|endsWith)\(\s*{_TEXT}\s*\)")
_NAMED = re.compile(rf"{_TEXT}\s+in\s+git\.paths\b")
_PATHS = re.compile(r"\bgit\.paths\b")


@dataclass(frozen=True)
class Named:
    """Paths that a rule speaks of: `how` is glob, startsWith, endsWith or is."""

    how: str
    text: str
    rule: str

    def fits(self, path: str) -> bool:
        """Whether this path is one of them."""
        if self.how == "glob":
            return match_glob(self.text, path)
        if self.how == "is":
            return path == self.text
        return path.startswith(self.text) if self.how == "startsWith" else path.endswith(self.text)


def named_paths(explanation: Iterable[Mapping[str, Any]]) -> list[Named]:
    """What the rules of a verdict say of paths, read from their conditions as they are stored."""
    found: dict[tuple[str, str], Named] = {}
    for rule in explanation:
        for condition in (rule["condition"], *(named["condition"] for named in rule["named"])):
            for how, text in _in(condition):
                found.setdefault((how, text), Named(how, text, f"{rule['policy']}/{rule['rule']}"))
    return list(found.values())


@lru_cache(maxsize=8_192)
def place_of(path: str) -> str:
    """The kind of place, or an empty text."""
    for place, globs in PLACES.items():
        if any(match_glob(glob, path) for glob in globs):
            return place
    return ""


def _in(condition: str) -> Iterable[tuple[str, str]]:
    for one, other in _GLOBS.findall(condition):
        if glob_problem(one or other) is None:
            yield "glob", one or other
    if not _PATHS.search(condition):
        return
    for how, one, other in _ENDS.findall(condition):
        if one or other:
            yield how, one or other
    for one, other in _NAMED.findall(condition):
        yield "is", one or other
