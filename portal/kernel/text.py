"""Text from outside: what is refused at the door and what is made visible on the way out."""

import unicodedata

_ALLOWED_CONTROLS = {"\n", "\t"}


def text_problem(text: str, *, multiline: bool = False) -> str | None:
    """Why `text` cannot be accepted, or None.

    Refuses NUL, control characters (newline and tab pass where `multiline`) and lone surrogates:
    PostgreSQL refuses the first and the last, terminals and logs are attacked with the rest.
    """
    if text.isprintable():  # nearly always, and quick
        return None
    for character in text:
        category = unicodedata.category(character)
        if category == "Cs":
            return "contains an unpaired surrogate; send valid Unicode"
        if category == "Cc" and not (multiline and character in _ALLOWED_CONTROLS):
            return f"contains the control character U+{ord(character):04X}; remove it"
    return None


def make_visible(text: str) -> str:
    """Show control, bidirectional and zero-width characters as `⟨U+202E⟩`."""
    if text.isprintable():  # nearly always, and quick
        return text
    return "".join(
        f"⟨U+{ord(character):04X}⟩"
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and character not in _ALLOWED_CONTROLS
        else character
        for character in text
    )
