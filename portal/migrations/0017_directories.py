"""Directories that keep people and groups here over SCIM; who deactivated a person."""

import django.core.validators
import django.db.models.deletion
import portal.kernel.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0016_groups'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='deactivated_by',
            field=models.CharField(blank=True, editable=False, max_length=36),
        ),
        migrations.CreateModel(
            name='Directory',
            fields=[
                ('id', models.UUIDField(default=portal.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(help_text='For people to know it by, for example “entra”. It cannot be changed.', max_length=50, unique=True, validators=[django.core.validators.RegexValidator('\\A[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\\Z', 'Use small letters, digits and . _ - between them; begin and end with a letter or digit.')], verbose_name='short name')),
                ('prefix', models.CharField(editable=False, max_length=16, unique=True)),
                ('secret_hash', models.BinaryField(max_length=32)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('renewed_at', models.DateTimeField(auto_now_add=True)),
                ('last_used_at', models.DateTimeField(editable=False, null=True)),
                ('archived_at', models.DateTimeField(editable=False, null=True)),
                ('created_by', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='KeptGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(null=True)),
                ('display_name', models.CharField(max_length=200)),
                ('directory', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)ss', to='portal.directory')),
                ('group', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='kept', to='portal.approvergroup')),
            ],
            options={
                'ordering': ['id'],
                'abstract': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='KeptPerson',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(null=True)),
                ('profile', models.JSONField(default=dict)),
                ('removed_at', models.DateTimeField(null=True)),
                ('directory', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)ss', to='portal.directory')),
                ('person', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='kept', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
                'abstract': False,
                'default_permissions': (),
            },
        ),
    ]
