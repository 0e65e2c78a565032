"""The reference says what the code does."""

import re
from pathlib import Path

import pytest

from policies.language.facts import SCHEMAS, check_value
from policies.language.parse import parse_policy
from tests.unit.policies.builders import document, one_rule, problems, problems_of

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "policy.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLE = re.search(r"<!-- example: complete -->\n```yaml\n(.*?)```", TEXT, re.DOTALL)[1]
CLAIMS = TEXT.split("| condition of a `deny` | |")[1].split("\n## ")[0]
DEFINE = """\
define:
  prod: request.tier == 'production'
  hotfix: "'hotfix' in request.labels"
"""


def test_the_example_is_a_policy():
    policy = parse_policy(EXAMPLE)
    assert policy.policy == "payments"
    assert {rule.effect for rule in policy.rules} == {"deny", "require", "approve"}
    assert policy.groups == {"team-leads", "dba"}


def test_every_key_of_the_document_is_described():
    section = TEXT.split("## Keys")[1].split("\n## ")[0]
    described = re.findall(r"^\| `(\w+)` \| (?:mandatory|default|\|)", section, re.MULTILINE)
    (refusal,) = problems("[]")
    assert refusal.message.endswith(" must be a mapping of " + ", ".join(sorted(described)))


@pytest.mark.parametrize(
    ("condition", "fate"),
    re.findall(r"^\| `([^`]+)` \| (taken|refused)", CLAIMS, re.MULTILINE),
)
def test_the_table_of_claims_is_true(condition, fate):
    body = DEFINE + one_rule(condition)
    if fate == "taken":
        assert document(body)
    else:
        assert "could loosen" in problems_of(body)[0].message


def test_the_schema_gives_every_fact_a_sentence():
    for fact in SCHEMAS["v1"].values():
        assert fact.description.endswith(".")
        assert fact.kind == "string" or not fact.enumeration


def test_every_fact_has_an_example_that_it_could_be():
    for fact in SCHEMAS["v1"].values():
        assert check_value(fact, fact.example) == fact.example
