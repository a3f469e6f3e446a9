"""`manage.py dashboard check | apply | export | first`: dashboards as YAML."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from dashboard import first
from dashboard.code.apply import apply_all, check_all
from dashboard.code.problem import BadFiles
from dashboard.code.write import write
from dashboard.models import Dashboard
from widgets.registry import nearest


class Command(BaseCommand):
    help = "Dashboards as YAML: check files, apply them, or export what there is."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        does = parser.add_subparsers(dest="do", required=True)
        check = does.add_parser("check", help="say everything that is wrong with files")
        check.add_argument("file", nargs="+", type=Path)
        apply = does.add_parser("apply", help="make what files describe; all of it or nothing")
        apply.add_argument("file", nargs="+", type=Path)
        apply.add_argument("--dry-run", action="store_true", help="say what would change")
        export = does.add_parser("export", help="write a dashboard as YAML")
        export.add_argument("slug")
        export.add_argument("file", nargs="?", type=Path, help="without it: to standard output")
        begin = does.add_parser("first", help="apply the first board where there is none yet")
        begin.add_argument("--address", default=first.ADDRESS, help="where this wall answers")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, "do_" + options["do"])(options)
        except BadFiles as error:
            raise CommandError(str(error)) from None
        except DatabaseError:
            if _has_tables():
                raise
            raise CommandError(
                "The database has no tables yet; run `manage.py migrate` or `make run` first."
            ) from None

    def do_check(self, options: dict[str, Any]) -> None:
        check_all(_texts(options["file"]))
        self.stdout.write("ok")

    def do_apply(self, options: dict[str, Any]) -> None:
        do = check_all if options["dry_run"] else apply_all
        changes = do(_texts(options["file"]))
        self.stdout.write("\n".join(map(str, changes)) or "nothing to change")

    def do_export(self, options: dict[str, Any]) -> None:
        slug, path = options["slug"], options["file"]
        board = Dashboard.objects.filter(slug=slug).first()
        if board is None:
            known = list(Dashboard.objects.values_list("slug", flat=True))
            raise CommandError(f'no dashboard "{slug}"{nearest(slug, known)}')
        if path is None:
            self.stdout.write(write(board), ending="")
            return
        try:
            path.write_text(write(board), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from None

    def do_first(self, options: dict[str, Any]) -> None:
        address = options["address"].rstrip("/")
        if first.apply_first(address):
            self.stdout.write("made the first board, This machine")
        elif first.follow(address):
            self.stdout.write(f"the check of this wall now asks {address}")


def _has_tables() -> bool:
    return Dashboard._meta.db_table in connection.introspection.table_names()


def _texts(paths: list[Path]) -> dict[str, str]:
    """The text of each file by its name; a byte order mark is no part of it."""
    texts = {}
    for path in paths:
        try:
            texts[str(path)] = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            raise CommandError(f"{path}:{line}: this is not UTF-8") from None
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from None
    return texts
