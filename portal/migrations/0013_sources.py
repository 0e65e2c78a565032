from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0012_sign_in'),
    ]

    operations = [
        migrations.AddField(
            model_name='rolegrant',
            name='source',
            field=models.CharField(blank=True, default='', max_length=100),
        ),
    ]
