"""Files to the database: checked together, applied together, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction

from dashboard.code.check import check, described, differs
from dashboard.code.plan import Change, plan
from dashboard.code.problem import BadFiles, Problem
from dashboard.code.read import read
from dashboard.code.schema import DashboardFile
from dashboard.models import Dashboard, Description
from widgets.models import Feed


def check_all(texts: Mapping[str, str]) -> list[Change]:
    """What applying these files (text by file name) would change; BadFiles if they cannot be.

    It applies them and takes it back, so that what it says is what would happen.
    """
    with transaction.atomic():
        changes = apply_all(texts)
        transaction.set_rollback(True)
    return changes


def apply_all(texts: Mapping[str, str]) -> list[Change]:
    """Apply files (text by file name) in one transaction; what was changed. BadFiles: nothing."""
    with transaction.atomic():
        files = _read(texts)
        spared = {widget.key for file in files for widget in file.widgets}
        changes: list[Change] = []
        problems: list[Problem] = []
        for file in files:
            planned = plan(file, spared)
            problems += _contested(file, planned, [f.slug for f in files])
            for change in planned:
                change.do()
            _remember(file)
            changes += planned
        if problems:
            raise BadFiles(problems)
    return changes


def _read(texts: Mapping[str, str]) -> list[DashboardFile]:
    """The files; BadFiles names what is wrong with their meaning too, where they can be read."""
    files: list[DashboardFile] = []
    problems: list[Problem] = []
    for name, text in texts.items():
        file, wrong = read(text, name)
        problems += wrong
        if file:
            files.append(file)
    problems += check(files, dict(Feed.objects.values_list("name", "private")))
    if problems:
        raise BadFiles(problems)
    return files


def _contested(
    file: DashboardFile, planned: Sequence[Change], given: Sequence[str]
) -> list[Problem]:
    """What this file would change though the file of another dashboard said it otherwise.

    What is as the file says already is no quarrel: so an export can be applied after an edit
    in the admin. Dashboards whose files are given too are compared file by file.
    """
    changed = {(change.noun, change.name) for change in planned if change.sign == "~"}
    others = Description.objects.exclude(dashboard__slug__in=given).select_related("dashboard")
    problems = []
    for said in described(file):
        if (said.noun, said.name) not in changed:
            continue
        for other in others.filter(noun=said.noun, name=said.name):
            if key := differs(other.said, said.values):
                problems.append(said.differs(key, f'the dashboard "{other.dashboard.slug}"'))
    return problems


def _remember(file: DashboardFile) -> None:
    """Keep what the file said of each thing, for the files of other dashboards."""
    board = Dashboard.objects.get(slug=file.slug)
    now = {(said.noun, said.name): dict(said.values) for said in described(file)}
    for row in board.descriptions.all():
        said = now.pop((row.noun, row.name), None)
        if said is None:
            row.delete()
        elif said != row.said:
            row.said = said
            row.save(update_fields=["said"])
    Description.objects.bulk_create(
        Description(dashboard=board, noun=noun, name=name, said=said)
        for (noun, name), said in now.items()
    )
