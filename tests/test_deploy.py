"""What deploy/ ships names only what there is, and says the same everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands, load_command_class

from e2e.deployed import DEPLOY, Nginx, found, shipped
from e2e.wall import ROOT
from tests.serving import authority
from watchwall.servers import PATIENCE
from widgets import consumer
from widgets.streams import supervisor as streams

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
UNITS = sorted(DEPLOY.glob("systemd/*"))
PYTHON = "/opt/watchwall/.venv/bin/python"


def supervisor() -> RawConfigParser:
    parser = RawConfigParser(comment_prefixes=";")
    parser.read(DEPLOY / "supervisor.conf")
    return parser


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each use of manage.py in deploy/, with its arguments as they are given."""
    for path in (*UNITS, DEPLOY / "supervisor.conf"):
        for given in re.findall(r"python manage\.py ([^'\n]*)'?$", path.read_text(), re.MULTILINE):
            yield path.name, re.sub(r"%i|%\(process_num\)d", "8001", given).split()
    for name, service in SERVICES.items():
        if "manage.py" in service.get("command", ()):
            yield name, service["command"][2:]
    (start,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    yield "Dockerfile", yaml.safe_load(start)[2:]


def test_every_command_and_its_options_exist() -> None:
    used = list(commands())

    assert len(used) == 5 + 3 + 5 + 1
    for where, (name, *options) in used:
        assert name in get_commands(), where
        command = load_command_class(get_commands()[name], name)
        command.create_parser("manage.py", name).parse_args(options)


@pytest.mark.parametrize("example", [".env.example", "env.example"])
def test_the_examples_name_only_settings_that_exist(example: str) -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "README.md").read_text(), re.M))

    named = set(re.findall(r"^([A-Z_]+)=", (DEPLOY / example).read_text(), re.M))

    own = {"POSTGRES_PASSWORD", "WATCHWALL_PORT"} if example == ".env.example" else set()
    assert len(named) >= 5
    assert named - own <= documented


# Compose


def test_compose_runs_two_of_each_behind_nginx() -> None:
    serving = [name for name, args in commands() if name in SERVICES and args[0] == "serve"]

    assert serving == ["web1", "web2"]
    assert SERVICES["huey"]["deploy"]["replicas"] == 2
    assert {"migrate", "nginx", "redis", "postgres"} < SERVICES.keys()
    for web in serving:
        assert SERVICES[web]["networks"]["default"]["aliases"] == ["web"]
        assert "ports" not in SERVICES[web], "nobody reaches it but through nginx"


def test_compose_names_only_files_services_and_variables_that_exist() -> None:
    example = (DEPLOY / ".env.example").read_text()
    for variable, default in re.findall(
        r"\$\{([A-Z_]+)(:-|)", (DEPLOY / "compose.yaml").read_text()
    ):
        assert default or f"\n{variable}=" in example, variable
    for name, service in SERVICES.items():
        assert ("build" in service) != (name in {"nginx", "redis", "postgres"}), name
        if build := service.get("build"):
            assert (DEPLOY / build["context"]).resolve() == ROOT
            assert (ROOT / build["dockerfile"]).is_file()
            assert service["env_file"] == ".env"
        assert set(service.get("depends_on", ())) <= SERVICES.keys(), name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOY / source).is_file(), source


def test_git_and_the_image_leave_secrets_alone() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    image = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()

    assert "/deploy/.env" in ignored
    assert next(line for line in image if not line.startswith(("#", "!"))) == "*"
    assert not {"!deploy", "!var", "!."} & set(image)


# The image


def test_the_image_is_not_root_and_takes_only_what_has_a_hash() -> None:
    pinned = re.findall(
        r"^\S+==\S+.*?(?=^\S|\Z)", (ROOT / "requirements.txt").read_text(), re.M | re.S
    )

    assert re.search(r"pip install .*--require-hashes -r requirements\.txt", DOCKERFILE)
    assert len(pinned) > 20
    assert all("--hash=sha256:" in one for one in pinned)
    assert re.search(r"^USER 10001\n(?!.*^USER )", DOCKERFILE, re.M | re.S)
    assert re.search(r'HEALTHCHECK .*CMD \["python", "deploy/probe.py", "8000"\]', DOCKERFILE)


def test_the_image_may_see_what_it_copies() -> None:
    seen = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()

    copied = re.findall(r"^COPY (\S+) ", DOCKERFILE, re.M)

    assert len(copied) == 8
    assert [path for path in copied if f"!{path}" not in seen] == []


# Those who start and end processes


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    places = {PYTHON: sys.executable, "/opt/watchwall": str(ROOT)}
    for path in UNITS:
        own = places if path.suffix == ".service" else {}
        (tmp_path / path.name).write_text(shipped(f"systemd/{path.name}", own))

    for path in UNITS:
        done = subprocess.run(
            [found("systemd-analyze"), "verify", path.name.replace("@", "@8001")],
            env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), path.name

    assert len(UNITS) == 6


@pytest.mark.parametrize("path", [path for path in UNITS if path.suffix == ".service"], ids=str)
def test_a_unit_can_change_only_its_own_folder(path: Path) -> None:
    lines = path.read_text().splitlines()

    assert {
        "User=watchwall",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "StateDirectory=watchwall",
        "SystemCallFilter=@system-service",
    } <= set(lines)


def test_nothing_is_killed_before_it_can_have_ended() -> None:
    # Twice as long as it takes: a machine that restarts things is busy.
    longest = 2 * (settings.DRAIN + PATIENCE + consumer.PATIENCE)
    everything = longest + 2 * streams.PATIENCE
    units = {
        path.name: path.read_text() for path in UNITS if "manage.py migrate" not in path.read_text()
    }
    programs = supervisor()

    patience = [
        int(found) for text in units.values() for found in re.findall(r"TimeoutStopSec=(\d+)", text)
    ]
    patience += [programs.getint(name, "stopwaitsecs") for name in programs.sections()]
    patience += [
        int(SERVICES[name]["stop_grace_period"][:-1]) for name in ("web1", "web2", "huey", "listen")
    ]

    assert len(patience) == 4 + 3 + 4
    assert min(patience) > longest
    assert int(re.findall(r"TimeoutStopSec=(\d+)", units["watchwall.service"])[0]) > everything
    assert {programs.get(name, "stopsignal") for name in programs.sections()} == {"TERM"}


# nginx


def test_nginx_accepts_the_files_with_tls_and_without(tmp_path: Path) -> None:
    authority(tmp_path)
    for certificate in (None, tmp_path / "server.pem"):
        done = Nginx(tmp_path, (8001, 8002), certificate).check()
        assert done.returncode == 0, done.stderr


def test_nginx_accepts_the_processes_of_compose(tmp_path: Path) -> None:
    nginx = Nginx(tmp_path, (8001, 8002))
    with (tmp_path / "processes.conf").open("r+") as file:
        temporary = [line for line in file if "_temp_path" in line]
        file.seek(0)
        file.truncate()
        file.writelines([(DEPLOY / "nginx/compose.conf").read_text(), *temporary])

    done = nginx.check()

    assert done.returncode == 0, done.stderr
