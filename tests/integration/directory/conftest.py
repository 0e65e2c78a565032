from tests.integration.company import acme, company, quick_passwords

__all__ = ["acme", "company", "quick_passwords"]
