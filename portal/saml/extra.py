"""The extra `saml`: signxml, which verifies XML signatures, on lxml and cryptography."""

from functools import cache
from importlib.util import find_spec


@cache
def saml_available() -> bool:
    """Whether the extra `saml` is installed; without it nothing else here may be called."""
    return find_spec("signxml") is not None
