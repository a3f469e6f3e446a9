"""Settings from the environment, with an error that names the variable and what it takes."""

from __future__ import annotations

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str) -> str:
    """The variable, without surrounding space; unset and empty both mean the default."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    """A yes or a no."""
    given = text(name, "yes" if default else "no").lower()
    if given in {"1", "true", "yes", "on"}:
        return True
    if given in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {given!r}; it takes yes or no")


def number(name: str, default: int, least: int, most: int) -> int:
    """A whole number between two others."""
    given = text(name, str(default))
    if given.isascii() and given.isdigit() and least <= int(given) <= most:
        return int(given)
    raise ImproperlyConfigured(
        f"{name} is {given!r}; it takes a whole number from {least} to {most}"
    )


def items(name: str) -> list[str]:
    """A list, separated by commas."""
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Networks such as 10.0.0.0/8, separated by commas; a plain address is a network of one."""
    try:
        return [ip_network(item) for item in items(name)]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name}: {error}; it takes networks such as 10.0.0.0/8, fd00::/8, separated by commas"
        ) from None


def addresses(name: str) -> list[tuple[str, int]]:
    """Hosts with ports, separated by commas: router.example:443, 192.0.2.1:53, [2001:db8::1]:53."""
    found = []
    for item in items(name):
        host, _, port = item.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ImproperlyConfigured(
                f"{name}: {item!r} is no address; it takes host:port, separated by commas"
            )
        found.append((host, int(port)))
    return found


def choice(name: str, default: str, among: tuple[str, ...]) -> str:
    """One of a few words, in capitals; "" may be among them, and is what unset means."""
    given = text(name, default)
    if given.upper() in among:
        return given.upper()
    raise ImproperlyConfigured(f"{name} is {given!r}; it takes {', '.join(filter(None, among))}")


def zone(name: str, default: str) -> str:
    """The name of a time zone that this machine knows."""
    given = text(name, default)
    try:
        return ZoneInfo(given).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ImproperlyConfigured(
            f"{name} is {given!r}; it takes a time zone such as Europe/Berlin"
        ) from None


def redis(name: str) -> str:
    """The address of a Redis; "" for none. Its password is the reason not to show it."""
    given = text(name, "")
    if given:
        # Here and not above: who has no Redis need not wait for it.
        from redis.connection import parse_url

        try:
            parse_url(given)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name} is no address of a Redis; it takes redis://host:6379/0"
            ) from None
    return given


def address(name: str) -> str:
    """The address of a web page; "" for none. It may be a secret, so errors do not show it."""
    given = text(name, "")
    try:
        parts = urlsplit(given)
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if given and not known:
        raise ImproperlyConfigured(f"{name} is no address; it takes https://host/path")
    return given
