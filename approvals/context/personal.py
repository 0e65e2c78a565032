"""Facts that name people or are in their words: committed to in digests, erased when asked."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from portal.kernel.canonical import canonical, commitment

PERSONAL = frozenset(
    {
        "request.reason",
        "request.actor",
        "git.author",
        "git.committer",
        "git.authors",
        "git.author_ids",
        "git.committer_ids",
        "git.author_accounts",
        "ci.started_by",
        "git.commits",
        "git.subject",
        "git.message",
        "pr.title",
        "pr.author",
        "pr.approvers",
        "pr.changes_requested",
        "deployment.by",
        "oncall.now",
        "policy.authors",
    }
)


def sealed(facts: Mapping[str, Any], salt: bytes) -> dict[str, Any]:
    """What a snapshot's digest covers: stored facts, personal ones by a commitment to the value.

    Without a salt, as after an erasure, the facts are what the digest covers already.
    """
    if not salt:
        return dict(facts)
    return {
        name: _committed(name, row, salt) if name in PERSONAL and "value" in row else row
        for name, row in facts.items()
    }


def forgotten(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Stored facts that no digest covers, without what is personal and without a way back."""
    return sealed(facts, secrets.token_bytes(16))


def valueless(drift: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Differences as the ledger may have them: of a personal fact only that it differs."""
    return [
        {**row, "old": None, "new": None} if row["fact"] in PERSONAL else dict(row) for row in drift
    ]


def _committed(name: str, row: Mapping[str, Any], salt: bytes) -> dict[str, Any]:
    # The name goes in too: that author and committer are one person shows in no digest.
    text = canonical({name: row["value"]}).decode()
    rest = {key: part for key, part in row.items() if key != "value"}
    return {**rest, "commit": commitment(salt, text)}
