import pytest

from portal.scim.directories import create_directory
from tests.integration.company import company, quick_passwords
from tests.integration.scim.caller import Caller

__all__ = ["company", "quick_passwords"]


@pytest.fixture
def entra(company) -> Caller:
    """A directory that keeps nobody yet, and its token."""
    return Caller(*create_directory(by=company.ada, name="entra"))
