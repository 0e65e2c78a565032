"""Signing in anew at a provider is one more way to confirm."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0026_requesters'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='stepup',
            name='step_up_method_known',
        ),
        migrations.AlterField(
            model_name='stepup',
            name='method',
            field=models.CharField(max_length=41),
        ),
        migrations.AddConstraint(
            model_name='stepup',
            constraint=models.CheckConstraint(condition=models.Q(('method__in', ['passkey', 'totp']), ('method__regex', '^oidc:[0-9a-f-]{36}$'), _connector='OR'), name='step_up_method_known'),
        ),
    ]
