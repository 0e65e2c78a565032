"""The entry, as Django reads it. The table is made by SQL (migration), not by Django."""

from django.db import models


class Entry(models.Model):
    """One line of the ledger: written by `record` only, never changed, never deleted."""

    id = models.BigIntegerField(primary_key=True)
    event_id = models.UUIDField()
    at = models.DateTimeField()
    project = models.UUIDField(null=True)
    request = models.UUIDField(null=True)
    type = models.TextField()
    actor_ref = models.TextField()
    outcome = models.TextField()
    payload = models.BinaryField()
    leaf = models.BinaryField()

    class Meta:
        app_label = "portal"
        managed = False
        db_table = "ledger_entry"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.id} {self.type}"
