"""Every row of letters A, C and E1-E6 has its named test, or says why there is none yet."""

import ast
from pathlib import Path

import pytest

ROWS = {
    "a1": "self_approve",
    "a2": "self_approve_other_surface",
    "a3": "second_identity_bot",
    "a4": "forged_commit_author",
    "a5": "one_human_two_groups",
    "a6": "over_quorum_never_resolves",
    "a7": "admin_self_approve",
    "a8": "break_glass_unreviewed",
    "a9": "recursive_approval",
    "a10": "token_votes_as_human",
    "c1": "text_lowers_quorum",
    "c2": "policy_from_the_change",
    "c3": "limits_from_another_rule",
    "c4": "empty_approver_set",
    "c5": "truthy_permission_check",
    "c6": "empty_value_allowed",
    "c7": "loosen_approve_restore",
    "c8": "mass_assignment",
    "c9": "owner_escalates",
    "c10": "model_or_score_poisoned",
    "c11": "auto_decision_mislabelled",
    "e1": "get_approves",
    "e2": "csrf_approve",
    "e3": "reader_can_approve",
    "e4": "idor_other_project",
    "e5": "chat_identity_fallback",
    "e6": "chat_skips_mfa",
}
NOT_BUILT = {
    "a8": "there are no emergency permits yet",
    "a9": "no right comes from a request yet",
    "e5": "there is no chat yet",
}


def _names():
    """Names of all tests of attacks."""
    return {
        node.name
        for path in Path(__file__).parent.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("row", ROWS)
def test_the_row_has_its_test(row):
    name = ROWS[row]
    named = (f"test_{name}", f"test_{row}_{name}")
    found = {one for one in _names() if one.startswith(named)}
    assert bool(found) != (row in NOT_BUILT), found or f"no test_{row}_{name}"
