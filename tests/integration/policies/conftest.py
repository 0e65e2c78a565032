from tests.integration.company import company, quick_passwords

__all__ = ["company", "quick_passwords"]
