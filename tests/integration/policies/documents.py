"""A policy document to vary."""

TEXT = """\
policy: {name}
facts: v1
match: {{projects: [{projects}], environments: ["*"], actions: [deploy]}}
rules:
  - id: lead
    when: request.environment == 'production'
    require: {{count: 1, from: [{groups}]}}
default: {{require: {{count: {count}, from: [leads]}}}}
decide_within: 4h
valid_for: 1h
"""


def document(name="shop", projects="shop", groups="leads", count=1) -> str:
    return TEXT.format(name=name, projects=projects, groups=groups, count=count)
