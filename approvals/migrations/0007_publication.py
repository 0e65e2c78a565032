"""Publishing a policy version is a request too: asked by a person, for a policy version."""

import django.db.models.deletion
from django.db import migrations, models

KEEP = """
CREATE TRIGGER request_policy_version BEFORE UPDATE OF policy_version_id ON approvals_request
    FOR EACH ROW WHEN (OLD.policy_version_id IS DISTINCT FROM NEW.policy_version_id)
    EXECUTE FUNCTION approvals_keep_payload();
ALTER TABLE approvals_request ENABLE ALWAYS TRIGGER request_policy_version;
"""


def optional(to: str, related_name: str) -> "models.ForeignKey[object, object]":
    return models.ForeignKey(
        to,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        db_index=False,
        null=True,
    )


class Migration(migrations.Migration):
    dependencies = [("approvals", "0006_language"), ("policies", "0003_immutable")]
    operations = [
        migrations.AlterField("request", "account", optional("portal.serviceaccount", "requests")),
        migrations.AlterField("request", "token", optional("portal.projecttoken", "+")),
        migrations.AddField(
            "request", "policy_version", optional("policies.policyversion", "requests")
        ),
        migrations.AddConstraint(
            "request",
            models.CheckConstraint(
                condition=models.Q(
                    account__isnull=False, token__isnull=False, policy_version__isnull=True
                )
                | models.Q(account__isnull=True, token__isnull=True, policy_version__isnull=False),
                name="request_of_pipeline_or_policy",
            ),
        ),
        migrations.AddIndex(
            "request",
            models.Index(
                fields=["owner", "id"],
                condition=models.Q(("policy_version__isnull", False)),
                name="request_about_policy",
            ),
        ),
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
    ]
