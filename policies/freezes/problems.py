"""What is wrong with something that wants to be in the calendar."""


class CalendarError(ValueError):
    """It cannot be used: `sentence` says why, `field` is what it is about (a form's field)."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field
