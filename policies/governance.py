"""The policy on policies: built in, always in force, joined by whatever else matches.

Publishing or retiring a policy version is a request like any other: of the portal's own project, on
the environment `policies`, judged by this document and by any policy that people write for it.
"""

from uuid import UUID

from policies.language.document import PinnedVersion, matches
from policies.language.parse import load_policy
from portal.directory.own_place import PROJECT
from portal.kernel.canonical import sha256_digest

ENVIRONMENT = "policies"
PUBLISHERS = "policy-publishers"
NAME = "countersign-policies"

TEXT = f"""\
policy: {NAME}
facts: v1
match: {{projects: [{PROJECT}], environments: [{ENVIRONMENT}], actions: [publish, retire]}}
define:
  publishing: request.action == 'publish'
rules:
  - id: unreadable
    when: publishing && !policy.readable
    deny: The document cannot be read by this version of the portal.
  - id: failing-tests
    when: publishing && policy.tests_failed.size() > 0
    deny: "Tests of the document fail: {{policy.tests_failed}}."
  - id: missing-groups
    when: publishing && policy.groups_missing.size() > 0
    deny: "Approver groups that do not exist or have no active member: {{policy.groups_missing}}."
  - id: no-backtest
    when: publishing && policy.mode != 'off' && !policy.backtest_seen
    deny: Nobody has read a backtest of this version.
  - id: somebody-else
    when: "true"
    require: {{count: 1, from: [{PUBLISHERS}]}}
default: {{require: {{count: 1, from: [{PUBLISHERS}]}}}}
decide_within: 7d
valid_for: 10m
hold: [policy.in_force]
tests:
  - name: somebody else decides on a version that is right
    given:
      policy.readable: true
      policy.tests_failed: []
      policy.groups_missing: []
      policy.backtest_seen: true
    expect: {{verdict: review, because: [somebody-else]}}
  - name: a failing test keeps a version out
    given: {{request.action: publish, policy.tests_failed: [freeze]}}
    expect: {{verdict: deny, because: [failing-tests]}}
  - name: a version whose effect nobody looked at stays out
    given: {{request.action: publish, policy.mode: enforce, policy.backtest_seen: false}}
    expect: {{verdict: deny, because: [no-backtest]}}
  - name: a policy can always be retired
    given: {{request.action: retire, policy.readable: false, policy.tests_failed: ~}}
    expect: {{verdict: review, because: [somebody-else]}}
"""
DIGEST = sha256_digest(TEXT.encode())
# Made of the digest: another release's document is another version, never this one.
ID = UUID(hex=DIGEST.removeprefix("sha256:")[:32], version=5)


def built_in() -> PinnedVersion:
    """The document as a pinned version."""
    return PinnedVersion(load_policy(TEXT), 1, DIGEST, ID)


def built_in_for(project: str, environment: str, action: str) -> list[PinnedVersion]:
    """The same, where it is for this target."""
    pinned = built_in()
    return [pinned] if matches(pinned.document, project, environment, action) else []
