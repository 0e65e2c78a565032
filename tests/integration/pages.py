"""Reading pages as a person does."""

import html
import re

from django.test import Client


def as_(person) -> Client:
    """A browser in which `person` is signed in."""
    client = Client()
    client.force_login(person)
    return client


def text(response) -> str:
    """What a reader sees: the page without tags."""
    bare = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", html.unescape(bare))
