from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("widgets", "0006_notes"),
    ]

    operations = [
        migrations.AddField(
            model_name="feedstate",
            name="last_error",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="feedstate",
            name="last_error_at",
            field=models.BigIntegerField(null=True),
        ),
    ]
