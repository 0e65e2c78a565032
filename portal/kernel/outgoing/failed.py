"""What is raised when a call outside gave nothing that could be used, in words for people."""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

# What the standard library raises, the narrow before the wide; the words, and whether to try later.
_SAID: tuple[tuple[type[Exception], str, bool], ...] = (
    (TimeoutError, "its server does not answer in time", True),
    (ssl.SSLCertVerificationError, "its certificate is not accepted", False),
    (ssl.SSLEOFError, "its server's answer breaks off", True),
    (ssl.SSLError, "no secure connection to its server comes about", False),
    (http.client.RemoteDisconnected, "its server hangs up without an answer", True),
    (http.client.IncompleteRead, "its server's answer breaks off", True),
    (OSError, "the connection to its server breaks off", True),
    (http.client.HTTPException, "its server's answer is not to be understood", False),
    (ValueError, "its server's answer is not to be understood", False),
)


class OutgoingFailed(Exception):
    """Nothing usable was answered; the words are fit for people and name no address, no secret.

    They read on after "could not be read: ...". `later`: the same call may do later.
    """

    def __init__(self, words: str, *, later: bool = False) -> None:
        super().__init__(words)
        self.later = later


@contextmanager
def in_words() -> Iterator[None]:
    """Turn whatever goes wrong on the wire into OutgoingFailed."""
    try:
        yield
    except tuple(kind for kind, _, _ in _SAID) as problem:
        # Nothing of the exception is passed on: it may repeat what was sent.
        words, later = next((w, later) for kind, w, later in _SAID if isinstance(problem, kind))
        raise OutgoingFailed(words, later=later) from None
