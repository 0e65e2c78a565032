from importlib import import_module

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the receivers that record sign-ins; register the checks."""
        import_module("portal.accounts.sign_ins")
        import_module("portal.config.checks")
