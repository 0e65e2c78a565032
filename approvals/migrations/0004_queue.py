"""Indexes in the order in which the queue is read: a group's own queue, and what was decided."""

import django.db.models.functions.comparison
from django.db import migrations, models

SQL = """
UPDATE approvals_awaitedgroup AS a
SET decide_by = r.decide_by, waiting = r.status IN ('submitted', 'pending')
FROM approvals_request AS r WHERE r.id = a.request_id;

CREATE FUNCTION approvals_fill_awaited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT decide_by, status IN ('submitted', 'pending') INTO NEW.decide_by, NEW.waiting
    FROM approvals_request WHERE id = NEW.request_id;
    RETURN NEW;
END $$;
CREATE FUNCTION approvals_follow_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE approvals_awaitedgroup
    SET decide_by = NEW.decide_by, waiting = NEW.status IN ('submitted', 'pending')
    WHERE request_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER awaited_group_fill BEFORE INSERT ON approvals_awaitedgroup FOR EACH ROW
    EXECUTE FUNCTION approvals_fill_awaited();
CREATE TRIGGER request_awaited AFTER UPDATE OF status, decide_by ON approvals_request FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.decide_by IS DISTINCT FROM NEW.decide_by)
    EXECUTE FUNCTION approvals_follow_request();
ALTER TABLE approvals_awaitedgroup ENABLE ALWAYS TRIGGER awaited_group_fill;
ALTER TABLE approvals_request ENABLE ALWAYS TRIGGER request_awaited;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0003_guards")]
    operations = [
        migrations.AddField(
            "awaitedgroup", "waiting", models.BooleanField(default=True, editable=False)
        ),
        migrations.AddField(
            "awaitedgroup", "decide_by", models.DateTimeField(editable=False, null=True)
        ),
        migrations.AddIndex(
            "awaitedgroup",
            models.Index(
                condition=models.Q(("waiting", True)),
                fields=["group", "decide_by", "request"],
                name="awaited_group_queue",
            ),
        ),
        migrations.AddIndex(
            "request",
            models.Index(
                django.db.models.functions.comparison.Coalesce("approved_at", "ended_at"),
                include=("id", "project", "environment", "approved_at", "ended_at"),
                condition=models.Q(("status__in", ("approved", "denied", "redeemed", "rejected"))),
                name="request_decided",
            ),
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
