"""A second factor for one decision, and the guard that it serves only one."""

import django.db.models.deletion
import portal.kernel.ids
from django.conf import settings
from django.db import migrations, models

GUARDS = """
-- A second factor serves one decision, of the same person on the same request; nothing else moves.
CREATE FUNCTION approvals_use_step_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.decision_id IS NULL
           AND to_jsonb(NEW) - 'decision_id' = to_jsonb(OLD) - 'decision_id'
           AND EXISTS (SELECT 1 FROM approvals_decision AS d
                       WHERE d.id = NEW.decision_id AND d.person_id = NEW.person_id
                         AND d.request_id = NEW.request_id AND d.stepped_up_at = NEW.at) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% on % is refused: a row only says once what it served', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER step_up_once BEFORE UPDATE OR DELETE ON approvals_stepup
    FOR EACH ROW EXECUTE FUNCTION approvals_use_step_up();
ALTER TABLE approvals_stepup ENABLE ALWAYS TRIGGER step_up_once;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0023_log_token'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='decision',
            name='stepped_up_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name='StepUp',
            fields=[
                ('id', models.UUIDField(default=portal.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('session', models.CharField(max_length=71)),
                ('method', models.CharField(choices=[('passkey', 'Passkey'), ('totp', 'Totp')], max_length=8)),
                ('proof', models.CharField(max_length=71, unique=True)),
                ('at', models.DateTimeField()),
                ('decision', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='step_up', to='approvals.decision')),
                ('person', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='approvals.request')),
                ('snapshot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='approvals.snapshot')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('method__in', ['passkey', 'totp'])), name='step_up_method_known'), models.CheckConstraint(condition=models.Q(('session', ''), _negated=True), name='step_up_has_a_session')],
            },
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
