"""Whether signing in anew at a provider confirms decisions; nobody's does until somebody says so."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0019_forge_accounts'),
    ]

    operations = [
        migrations.AddField(
            model_name='signinprovider',
            name='confirms',
            field=models.BooleanField(default=False, help_text='Where policy asks for a second factor, signing in anew there is one. It must honour prompt=login and max_age, send auth_time, and ask for more than a password.', verbose_name='it may confirm decisions'),
        ),
    ]
