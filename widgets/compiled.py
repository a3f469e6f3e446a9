"""Queries by ids that Django compiles once.

Compiling a query takes longer than running it on a few rows, and the writer asks the same three
for each commit. What Django makes of the rows, field by field, stays Django's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)
Converter = Callable[[Any, Any, Any], Any]
# (column, what it is, what is made of it in turn)
Converters = list[tuple[int, Any, list[Converter]]]
_IDS = "IN (%s)"


class Compiled(Generic[M]):
    """A query of a model that has one condition, `… IN` ids. `make` is called at its first run."""

    def __init__(self, model: type[M], make: Callable[[], QuerySet[M, Any]]) -> None:
        self._model = model
        self._make = make
        self._by_vendor: dict[str, tuple[str, Converters]] = {}

    def rows(self, ids: Collection[int]) -> Sequence[Sequence[Any]]:
        """The rows for these ids, as Django would give them to `values_list`."""
        if not ids:
            return []
        found = self._by_vendor.get(connection.vendor)
        if found is None:
            found = self._by_vendor[connection.vendor] = self._compile()
        sql, converters = found
        marks = ",".join(["%s"] * len(ids))
        with connection.cursor() as cursor:
            cursor.execute(sql.replace(_IDS, f"IN ({marks})"), list(ids))
            rows: list[Sequence[Any]] = cursor.fetchall()
        return list(_converted(rows, converters)) if converters else rows

    def objects(self, ids: Collection[int]) -> list[M]:
        """The rows for these ids, of all columns, as objects of the model."""
        names = [field.attname for field in self._model._meta.concrete_fields]
        alias = connection.alias
        return [self._model.from_db(alias, names, row) for row in self.rows(ids)]

    def _compile(self) -> tuple[str, Converters]:
        compiler = self._make().query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        assert len(parameters) == 1 == sql.count(_IDS), sql
        columns = [column for column, _, _ in compiler.select or []]
        found = compiler.get_converters(columns)
        return sql, [(i, expression, converters) for i, (converters, expression) in found.items()]


def _converted(rows: Sequence[Sequence[Any]], converters: Converters) -> Iterator[list[Any]]:
    for row in rows:
        made = list(row)
        for i, expression, those in converters:
            for convert in those:
                made[i] = convert(made[i], expression, connection)
        yield made
