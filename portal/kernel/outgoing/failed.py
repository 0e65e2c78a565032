"""What is raised when a call outside gave nothing that could be used."""


class OutgoingFailed(Exception):
    """Nothing usable was answered; the words are fit for people and name no address, no secret.

    They read on after "could not be read: ...". `later`: the same call may do later.
    """

    def __init__(self, words: str, *, later: bool = False) -> None:
        super().__init__(words)
        self.later = later
