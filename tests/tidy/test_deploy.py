"""What documents and deployment files tell people to type and to set exists."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.core.management import load_command_class
from django.core.management.base import CommandError

from anvil_site.cli import translate
from anvil_site.options import OPTIONS
from anvil_site.telemetry import NODE_METRICS
from dataplane.metrics import DEFINITIONS
from docs.generator.commands import own_commands
from tests.tidy import repository

ANVIL_CALL = re.compile(
    r"(?:^|[\s`])(?:\.venv/bin/)?anvil ((?:admin|serve|config|healthcheck)\b[^`\n#|]*)", re.MULTILINE
)
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
ASSIGNED = re.compile(r"^(?:ENV |Environment=|\s+)?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)[=:]", re.MULTILINE)

NODE_VARIABLES = {
    name for option in OPTIONS for variable in option.variables for name in (variable, f"{variable}_FILE")
}
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL",
    "ANVIL_ADMIN_URL", "ANVIL_ADMIN_USER", "ANVIL_ADMIN_PASSWORD",
}  # fmt: skip
OF_OTHER_PROGRAMS = re.compile(
    r"RCLONE_CONFIG_\w+|ANVIL_(SITE|UPSTREAMS|HTTP_PORT|CADDY_ADMIN)|INTEROP_CREDENTIALS|PYTHONUNBUFFERED"
)
PROSE = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/start", "docs/concepts", "docs/operate", "docs/develop")


def prose() -> Iterator[Path]:
    return (path for path in repository.files() if path.suffix == ".md" and str(path).startswith(PROSE))


def is_known(variable: str) -> bool:
    return variable in NODE_VARIABLES | CREDENTIALS or bool(OF_OTHER_PROGRAMS.fullmatch(variable))


@pytest.mark.parametrize("path", list(prose()), ids=str)
def test_variables_in_documents_exist(path: Path) -> None:
    text = re.sub(r"`[A-Z_]+_\*`|`CLUSTER_\*`|`NAME_FILE`", "", repository.text(path))
    named = set(VARIABLE.findall(text))
    assert not {variable for variable in named if not is_known(variable)}


@pytest.mark.parametrize("name", ["Dockerfile", "deploy/compose/small.yaml", "deploy/systemd/anvil.service"])
def test_variables_in_deployment_files_exist(name: str) -> None:
    named = set(ASSIGNED.findall(repository.text(Path(name))))
    assert "STORAGE_PATH" in named
    assert not {variable for variable in named if not is_known(variable)}


def documented_calls() -> list[tuple[str, str]]:
    return [(str(path), call.strip()) for path in prose() for call in ANVIL_CALL.findall(repository.text(path))]


def test_documents_show_commands() -> None:
    assert len(documented_calls()) > 10


@pytest.mark.parametrize(("path", "call"), documented_calls())
def test_commands_in_documents_parse(path: str, call: str) -> None:
    name, *arguments = translate(shlex.split(call))
    applications = dict(own_commands_by_name())
    assert name in applications, f"{path}: no such command: anvil {call}"
    parser = load_command_class(applications[name], name).create_parser("anvil", name)
    try:
        parser.parse_args(arguments)
    except (CommandError, argparse.ArgumentError) as wrong:
        pytest.fail(f"{path}: anvil {call}: {wrong}")


def own_commands_by_name() -> Iterator[tuple[str, str]]:
    for name, command in own_commands():
        yield name, type(command).__module__.partition(".management")[0]


def test_compose_files_are_whole() -> None:
    for path in repository.files():
        if path.parts[:2] == ("deploy", "compose"):
            services = yaml.safe_load(repository.text(path))["services"]
            assert all("image" in service for service in services.values()), path


def test_the_image_copies_what_exists_and_leaves_nothing_out() -> None:
    copied = {
        name.rstrip("/")
        for line in repository.text(Path("Dockerfile")).splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    }
    assert not {name for name in copied if not (repository.ROOT / name).exists()}
    packages = {name for name in repository.PACKAGES if (repository.ROOT / name).is_dir()}
    assert packages <= copied
    allowed = {
        line.removeprefix("!") for line in repository.text(Path(".dockerignore")).splitlines() if line[:1] == "!"
    }
    assert {Path(name).parts[0] for name in copied} <= allowed


def test_the_scripts_of_ci_can_be_run() -> None:
    for name in ("run", "system-packages"):
        path = repository.ROOT / ".ci" / name
        assert path.stat().st_mode & 0o111, path
        subprocess.run(["bash", "-n", str(path)], check=True)


def test_metrics_in_documents_exist() -> None:
    measured = {metric.name for metric in (*DEFINITIONS, *NODE_METRICS)}
    known = measured | {"anvil_serve", "anvil_site", "anvil_global", "anvil_regional"}
    named = {name for path in prose() for name in re.findall(r"\banvil_[a-z0-9_]+", repository.text(path))}
    assert any(name.endswith("_total") for name in named)
    assert not named - known
