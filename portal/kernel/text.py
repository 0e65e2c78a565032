"""Text from outside: what is refused at the door and what is made visible on the way out."""

import re
import unicodedata

_ALLOWED_CONTROLS = {"\n", "\t"}
# Fillers and selectors that Unicode counts among letters, signs and marks, but nobody sees.
_BLANKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U000e0100-\U000e01ef]"
)


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
    """Show control, bidirectional, zero-width and other unseen characters as `⟨U+202E⟩`."""
    if text.isprintable():  # nearly always, and quick
        return text if text.isascii() else _BLANKS.sub(_numbered, text)
    return _BLANKS.sub(
        _numbered,
        "".join(_number(character) if _is_hidden(character) else character for character in text),
    )


def on_one_line(text: str) -> str:
    """The same without line breaks and tabs: for status lines, mail subjects and logs."""
    return make_visible(" ".join(text.split()))


def _is_hidden(character: str) -> bool:
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return hidden and character not in _ALLOWED_CONTROLS


def _number(character: str) -> str:
    return f"⟨U+{ord(character):04X}⟩"


def _numbered(match: re.Match[str]) -> str:
    return _number(match[0])
