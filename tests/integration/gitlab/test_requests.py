"""A request whose policy reads a GitLab: asked once, and looked at again before it runs."""

import pytest

from approvals.connections.configure import create_connection
from approvals.lifecycle.enrich import due_readings, read_source
from approvals.lifecycle.redeem import Drift
from tests.factories import ask, decide, put_in_force, redeem
from tests.gitlab import NUMBER, TOKEN

pytestmark = pytest.mark.django_db(transaction=True)

ONLY_GREEN = """\
policy: green
facts: v1
match: {projects: ["**"], environments: [production], actions: ["*"]}
rules:
  - id: red
    when: ci.state != 'success'
    deny: Checks are {ci.state}.
default: {require: {count: 1, from: [team-leads]}}
decide_within: 24h
valid_for: 1h
hold: [ci.state, git.head]
"""


def test_a_check_that_fails_after_the_approval_voids_it(who, lab, shop):
    put_in_force(who.admin, who.deputy, ONLY_GREEN)
    create_connection(
        by=who.admin,
        kind="gitlab",
        name="our gitlab",
        project=who.project,
        settings={"url": lab.url, "project": str(NUMBER)},
        secrets={"token": TOKEN},
        private=True,
    )
    lab.job(shop.new, "unit")
    request = ask(who, subject={"commit": shop.new})
    for request_id, key in due_readings():
        read_source(request_id, key)
    request.refresh_from_db()
    assert request.snapshot.facts["ci.state"]["value"] == "success"
    decide(request, who.alice)
    lab.job(shop.new, "unit", "failed")
    with pytest.raises(Drift, match=r"ci\.state"):
        redeem(who, request)
