"""What services raise when they refuse. Each surface turns these into its own answer."""

from typing import Any, ClassVar


class Refused(Exception):
    """A service refuses: `code` is stable and for programs, `sentence` is for people.

    `status` is the HTTP status every web surface answers with; `extra` is added to problem+json.
    """

    status: ClassVar[int] = 409
    code: str = "refused"

    def __init__(self, sentence: str, *, code: str | None = None, **extra: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or self.code
        self.extra = extra


class NotFound(Refused):
    """Not there, or not for the eyes of this person: the same answer for both."""

    status = 404
    code = "not-found"


class Forbidden(Refused):
    """Visible, but this person or token may not do this."""

    status = 403
    code = "forbidden"


class Unauthenticated(Refused):
    """No usable credential."""

    status = 401
    code = "unauthenticated"


class Invalid(Refused):
    """The input cannot be accepted; `errors` lists `{field, message}`."""

    status = 422
    code = "invalid"


class Conflict(Refused):
    """The state of things does not allow this (any more)."""

    status = 409
    code = "illegal-state"


class Gone(Refused):
    """It was there, its time is over."""

    status = 410
    code = "expired"


class TooLarge(Refused):
    """More than is taken in one piece."""

    status = 413
    code = "too-large"


class Unavailable(Refused):
    """A part we need does not answer; try again."""

    status = 503
    code = "unavailable"
