"""Damaged documents give problems with places, never another error."""

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.language.conditions import Compiler, ConditionError
from policies.language.facts import SCHEMAS
from policies.language.parse import parse_policy
from policies.language.problems import PolicyError
from tests.unit.policies.test_parse import FULL

SCRAPS = ["", " ", "\n", "  ", "'", '"', "[", "]", "{", "}", ":", "-", "|", ">", "&a", "*a", "!x"]
SCRAPS += ["\t", "\0", "\u2028", "\r", "\ufeff", "é", "#", "?", "%", "@", "`", "<<: ", "\ud800"]
TOKENS = (
    "git.signed git.paths git.head request.labels first p ( ) [ ] { } ? : . , ! - + * / % == != "
)
TOKENS += "< <= > >= && || in true false null 1 1.5 2u 'a' b'a' .exists( .all( .map( p, size( has( "
TOKENS += "matches_path( .matches( dyn( // \\ @ ` .0 9223372036854775808"


@settings(max_examples=150)
@given(st.integers(0, len(FULL)), st.integers(0, 30), st.sampled_from(SCRAPS))
def test_a_damaged_document_is_taken_or_refused_with_places(at, length, scrap):
    text = FULL[:at] + scrap + FULL[at + length :]
    try:
        parse_policy(text)
    except PolicyError as error:
        assert error.problems
        assert all(one.line >= 1 and one.column >= 1 and one.message for one in error.problems)
        assert all(one.line <= len(text.splitlines()) + 1 for one in error.problems)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(TOKENS.split()), max_size=14).map(" ".join))
def test_a_jumble_of_tokens_is_a_condition_or_refused_within_its_text(text):
    try:
        condition = Compiler(SCHEMAS["v1"], ["first"]).compile(text)
    except ConditionError as error:
        assert error.mistakes
        assert all(0 <= one.offset <= len(text) and one.message for one in error.mistakes)
    else:
        assert condition.tree.type == "bool"
