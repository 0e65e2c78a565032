"""SLSA provenance, v0.2 and v1: who built something, and from which commits."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SLSA = "https://slsa.dev/provenance/"
V02, V1 = f"{SLSA}v0.2", f"{SLSA}v1"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Provenance:
    """What one statement says; `builder` is empty where it does not say."""

    builder: str
    commits: frozenset[str]


def provenance_of(statement: Any) -> Provenance | None:
    """What a statement says about the build; None for a version or form that is not read here."""
    match statement:
        case {"predicateType": kind, "predicate": {"builder": builder} as predicate} if kind == V02:
            sources = list(_sources_02(predicate))
        case {
            "predicateType": kind,
            "predicate": {
                "buildDefinition": dict() as definition,
                "runDetails": {"builder": builder},
            },
        } if kind == V1:
            sources = _list(definition.get("resolvedDependencies"))
        case _:
            return None
    name = builder.get("id") if isinstance(builder, dict) else None
    commits = frozenset(commit for source in sources for commit in _commits(source))
    return Provenance(name if isinstance(name, str) else "", commits)


def _sources_02(predicate: dict[str, Any]) -> Iterator[Any]:
    match predicate:
        case {"invocation": {"configSource": source}}:
            yield source
    yield from _list(predicate.get("materials"))


def _commits(source: Any) -> Iterator[str]:
    """Commits among the digests of something that went into the build: git names them as such."""
    match source:
        case {"digest": dict() as digests}:
            uri = source.get("uri")
            from_git = isinstance(uri, str) and uri.startswith("git+")
            for name in ("gitCommit", "sha1") if from_git else ("gitCommit",):
                commit = digests.get(name)
                if isinstance(commit, str) and _COMMIT.fullmatch(commit):
                    yield commit


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
