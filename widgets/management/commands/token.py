"""manage.py token create NAME --feeds 'shop.*' | list | revoke NAME"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from widgets import clock
from widgets.models import Token
from widgets.push import tokens
from widgets.push.tokens import BadToken


class Command(BaseCommand):
    help = "Tokens, by which senders may hand readings in."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        create = actions.add_parser("create", help="make one and print it, for the only time")
        create.add_argument("name", metavar="NAME", help="whose it is")
        create.add_argument(
            "--feeds", action="append", required=True, metavar="PATTERN",
            help="the feeds it is for, such as 'shop.*'; may be given several times",
        )  # fmt: skip
        create.add_argument("--no-create", action="store_true", help="may make no feeds")
        create.add_argument("--read", action="store_true", help="may read back as well")
        create.add_argument("--read-only", action="store_true", help="may read back and not push")
        create.add_argument(
            "--uuid", action="store_true", help="make it a UUID, as senders of pings expect"
        )
        actions.add_parser("list", help="all of them, without the tokens themselves")
        revoke = actions.add_parser("revoke", help="end one for good")
        revoke.add_argument("name", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['action']}")(options)
        except BadToken as error:
            raise CommandError(str(error)) from None

    def _create(self, options: dict[str, Any]) -> None:
        feeds = [part for given in options["feeds"] for part in given.split(",")]
        self.stdout.write(
            tokens.create(
                options["name"],
                feeds,
                may_push=not options["read_only"],
                may_create=not options["no_create"] and not options["read_only"],
                may_read=options["read"] or options["read_only"],
                as_uuid=options["uuid"],
            )
        )

    def _list(self, _: dict[str, Any]) -> None:
        for token in Token.objects.all():
            self.stdout.write(
                f"{token.name}  {token.hint}…  {', '.join(token.feeds)}  {self._said(token)}"
            )

    def _said(self, token: Token) -> str:
        if token.revoked:
            return f"revoked {_day(token.revoked)}"
        return f"last used {_day(token.used)}" if token.used else "never used"

    def _revoke(self, options: dict[str, Any]) -> None:
        tokens.revoke(options["name"])
        self.stdout.write(f"{options['name']} is revoked.")


def _day(moment: int) -> str:
    return f"{clock.as_datetime(moment):%Y-%m-%d %H:%M} UTC"
