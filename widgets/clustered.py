"""Tables that are stored in the order of their key, for migrations."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


class CreateClustered(migrations.CreateModel):
    """CreateModel, on SQLite WITHOUT ROWID.

    A window of one series is then one walk along the key, and a sample is stored once, not twice
    (the row and the index of its key).
    """

    suffixes = {"sqlite": "WITHOUT ROWID"}

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        suffix = self.suffixes.get(schema_editor.connection.vendor)
        if suffix is None:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.name)
        sql, _ = schema_editor.table_sql(model)
        schema_editor.execute(f"{sql} {suffix}", None)


class CreateByDay(CreateClustered):
    """The same, and on PostgreSQL partitioned by `ts`, with a partition for what fits no other.

    `widgets.partitions` makes the others.
    """

    suffixes = {**CreateClustered.suffixes, "postgresql": 'PARTITION BY RANGE ("ts")'}

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        if schema_editor.connection.vendor == "postgresql":
            table = to_state.apps.get_model(app_label, self.name)._meta.db_table
            schema_editor.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
