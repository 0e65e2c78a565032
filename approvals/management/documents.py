"""The policies of the demo company Harbor."""

SHOP_STAGING = """\
policy: shop-staging
facts: v1
match: {projects: [shop], environments: [staging], actions: [deploy, migrate]}
rules:
  - id: deploy-flows
    when: request.action == 'deploy'
    approve: auto
default: {require: {count: 1, from: [team-leads]}}
risk: {medium: request.action == 'migrate'}
decide_within: 8h
valid_for: 30m
hold: [request.commit]
supersede: environment
tests:
  - name: a deployment flows
    given: {request.action: deploy}
    expect: {verdict: allow, because: [deploy-flows], risk: low}
  - name: a migration waits for a lead
    given: {request.action: migrate}
    expect: {verdict: review, because: [default], risk: medium}
"""
SHOP_PRODUCTION = """\
policy: shop-production
facts: v1
match: {{projects: [shop], environments: [production], actions: [deploy, migrate]}}
define:
  migrates: request.action == 'migrate'
  hotfix: "'hotfix' in request.labels"
rules:
{on_branch}  - id: team-lead
    level: soft
    when: "true"
    require: {{count: 1, from: [team-leads]}}
  - id: migration
    when: migrates
    require:
      count: 2
      from: [dba, team-leads]
      including: {{dba: 1}}
      sequence: [dba, team-leads]
{burning}  - id: hotfix-is-quick
    when: hotfix
    limit: {{valid_for: 10m}}
  - id: failed-before
    when: history.last_outcome == 'failed'
    note: "The last run here failed."
default: {{require: {{count: 1, from: [team-leads]}}}}
risk: {{high: migrates, medium: "true"}}
decide_within: 8h
valid_for: 30m
hold: [{hold}]
{tolerate}break_glass:
  by: [oncall-sre]
  reason_min: 20
  valid_for: 15m
  notify: [security]
  review_within: 24h
escalate: [{{after: 30m, notify: [team-leads]}}]
tests:
  - name: a deployment needs a lead
    given: {{request.action: deploy, request.labels: []}}
    expect: {{verdict: review, because: [team-lead], risk: medium, valid_for: 30m}}
  - name: a migration needs a database administrator too
    given: {{request.action: migrate}}
    expect: {{verdict: review, because: [migration, team-lead], risk: high}}
  - name: a hotfix is valid for ten minutes only
    given: {{request.labels: [hotfix]}}
    expect: {{verdict: review, valid_for: 10m}}
{on_branch_tests}{burning_tests}"""
ON_BRANCH = """\
  - id: on-branch
    when: "!git.on_branch"
    deny: This commit is not on the protected branch.
"""
ON_BRANCH_TESTS = """\
  - name: what is not on the branch is denied
    given: {git.on_branch: false}
    expect: {verdict: deny, because: [on-branch]}
  - name: nothing runs while the branch cannot be read
    given: {git.on_branch: ~}
    expect: {verdict: blocked, because: [on-branch]}
"""
BURNING = """\
  - id: burning
    when: metric.error_rate > 0.05
    require: {count: 1, from: [oncall-sre]}
"""
BURNING_TESTS = """\
  - name: while it burns somebody on call looks too
    given: {metric.error_rate: 0.08}
    expect: {verdict: review, because: [burning, team-lead]}
  - name: so they do while nobody knows
    given: {metric.error_rate: ~}
    expect: {verdict: review, because: [burning, team-lead]}
"""
TOLERATE = "tolerate: {metric.error_rate: 0.02}\n"
PAYMENTS = """\
policy: payments
facts: v1
match: {projects: [payments], environments: ["*"], actions: ["*"]}
define:
  prod: request.tier == 'production'
  weekend: time.weekday in ['saturday', 'sunday']
rules:
  - id: staging-auto
    when: request.tier == 'staging' && request.action == 'deploy'
    approve: auto
  - id: two-people
    when: prod
    require: {count: 2, from: [team-leads, dba]}
  - id: weekend
    when: prod && weekend
    require: {count: 1, from: [oncall-sre]}
default: {require: {count: 1, from: [team-leads]}}
risk: {high: prod}
decide_within: 4h
valid_for: 15m
hold: [request.commit]
on_drift: deny
tests:
  - name: staging flows
    given: {request.tier: staging, request.action: deploy}
    expect: {verdict: allow, risk: low}
  - name: production takes two
    given: {request.tier: production, time.weekday: monday}
    expect: {verdict: review, because: [two-people], risk: high}
  - name: on a weekend somebody on call as well
    given: {request.tier: production, time.weekday: sunday}
    expect: {verdict: review, because: [two-people, weekend]}
"""
SEARCH = """\
policy: search
facts: v1
match: {projects: [search], environments: ["*"], actions: [deploy]}
rules:
  - id: staging-auto
    when: request.tier == 'staging'
    approve: auto
  - id: after-failure
    when: request.tier == 'production' && history.last_outcome == 'failed'
    require: {count: 1, from: [oncall-sre]}
  - id: prod-lead
    when: request.tier == 'production'
    require: {count: 1, from: [team-leads]}
default: {require: {count: 1, from: [team-leads]}}
risk: {medium: request.tier == 'production'}
decide_within: 24h
valid_for: 1h
hold: [history.running_commit]
tests:
  - name: after a failure somebody on call looks too
    given: {request.tier: production, history.last_outcome: failed}
    expect: {verdict: review, because: [after-failure, prod-lead]}
"""


def policies(*, with_git: bool, with_metrics: bool) -> list[str]:
    """The documents in force; the shop's reads git and metrics only where they are to be had."""
    held = ["request.commit"]
    held += ["git.head"] if with_git else []
    held += ["metric.error_rate"] if with_metrics else []
    production = SHOP_PRODUCTION.format(
        on_branch=ON_BRANCH if with_git else "",
        on_branch_tests=ON_BRANCH_TESTS if with_git else "",
        burning=BURNING if with_metrics else "",
        burning_tests=BURNING_TESTS if with_metrics else "",
        hold=", ".join(held),
        tolerate=TOLERATE if with_metrics else "",
    )
    return [SHOP_STAGING, production, PAYMENTS, SEARCH]
