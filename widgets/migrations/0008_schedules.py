from django.db import migrations, models

import widgets.fields


class Migration(migrations.Migration):
    dependencies = [
        ("widgets", "0007_last_error"),
    ]

    operations = [
        migrations.AddField(
            model_name="feed",
            name="cron",
            field=models.CharField(
                blank=True,
                help_text="In place of an interval: minute, hour, day of month, month and day of week, "
                'such as "0 7 * * mon-fri".',
                max_length=100,
            ),
        ),
        migrations.AddField(
            model_name="feed",
            name="time_zone",
            field=models.CharField(
                blank=True,
                help_text="Of cron, such as Europe/Berlin; empty: the wall's.",
                max_length=60,
            ),
        ),
        migrations.AddField(
            model_name="feed",
            name="unwatched",
            field=widgets.fields.SpanField(
                blank=True,
                help_text="How often it is asked while no open page shows it; longer than the interval.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="feedstate",
            name="watched_since",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="feedstate",
            name="watched_until",
            field=models.BigIntegerField(default=0),
        ),
    ]
