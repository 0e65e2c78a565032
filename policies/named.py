"""Which facts of families anything gives: asked of the rooms above, where the connections are."""

from typing import Any

from django.dispatch import Signal

from policies.language.document import PolicyDocument

#: Sent with `match` and `person`; a receiver answers with the names (frozenset[str]) of the facts
#: that something gives in a project or environment that fits, as far as the person may see it.
asked_for_names = Signal()


def names_given(document: PolicyDocument, by: Any) -> frozenset[str]:
    """The names that may be read where `document` applies; those that `by` may know of."""
    said: list[tuple[Any, Any]] = asked_for_names.send(
        PolicyDocument, match=document.match, person=by
    )
    return frozenset().union(*(names for _, names in said))
