"""Text from outside in a cell of a table that a spreadsheet program opens."""

from typing import Any

from portal.kernel.text import make_visible

# What a spreadsheet takes for the beginning of a formula, also in full width and behind blanks.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def harmless(value: Any) -> Any:
    """`value`, if it is text, as text that cannot be a formula, nothing in it unseen."""
    if not isinstance(value, str) or not value:
        return value
    shown = make_visible(value)
    looks_so = value.lstrip().startswith(_FORMULA) or value[0] in "\t\r"
    return f"'{shown}" if looks_so else shown
