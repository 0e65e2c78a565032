"""Reading why a fact has no value."""

from policies.language.facts import Unknown


def why(state):
    """The reason of a fact that there is not."""
    assert isinstance(state, Unknown), state
    assert state.kind == "absent"
    return state.reason
