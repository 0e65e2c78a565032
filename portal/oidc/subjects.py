"""The word by which a provider calls an account; with the provider it says who somebody is."""

MOST_SUBJECT = 191


def usable_subject(subject: object) -> bool:
    """Whether it can stand for somebody: a short text of printable ASCII."""
    return (
        isinstance(subject, str)
        and 0 < len(subject) <= MOST_SUBJECT
        and subject.isascii()
        and subject.isprintable()
    )
