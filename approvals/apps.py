from importlib import import_module

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the receivers: what connections name, and who left an approver group."""
        import_module("approvals.connections.named")
        import_module("approvals.lifecycle.departures")
