"""The reference pages say what the code says: options, metrics, errors, commands and operations are all documented."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands

from anvil_site.options import OPTIONS
from anvil_site.telemetry import NODE_METRICS
from dataplane.metrics import DEFINITIONS
from docs.generator.__main__ import REFERENCE, pages
from docs.generator.commands import own_commands
from s3gateway.errors import ERRORS
from s3gateway.operations.table import OPERATIONS
from tests.tidy import repository

METRICS = (*DEFINITIONS, *NODE_METRICS)


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_page_is_as_generated(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == pages()[name], "run `make docs` and commit the result"


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("options.md", {variable for option in OPTIONS for variable in option.variables}),
        ("metrics.md", {metric.name for metric in METRICS}),
        ("errors.md", set(ERRORS)),
        ("s3-compatibility.md", {operation.name for operation in OPERATIONS}),
        ("commands.md", {name for name, _ in own_commands()}),
    ],
)
def test_nothing_is_left_out(page: str, names: set[str]) -> None:
    """The generator itself could forget a row."""
    assert len(names) > 10
    written = set(re.findall(r"[\w-]+", (REFERENCE / page).read_text(encoding="utf-8")))
    assert not names - written


def test_commands_are_found_where_django_finds_them() -> None:
    own = {name for name, _ in own_commands()}
    assert {"anvil_serve", "regions_create", "apps_create", "policies_grant"} <= own <= set(get_commands())


def test_every_option_and_metric_explains_itself() -> None:
    assert not [option.variable for option in OPTIONS if len(option.reason) < 15]
    assert not [metric.name for metric in METRICS if len(metric.meaning) < 10]
    assert not [metric.name for metric in METRICS if not re.fullmatch(r"anvil(_[a-z0-9]+){2,}", metric.name)]


def test_the_rest_api_is_described_as_it_is(tmp_path: Path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "openapi.yaml"))
    described = (REFERENCE / "openapi.yaml").read_text(encoding="utf-8")
    assert described == (tmp_path / "openapi.yaml").read_text(encoding="utf-8"), "run `make openapi` and commit it"


def test_the_compiled_protocols_are_those_of_the_sources(tmp_path: Path) -> None:
    sources = [str(path) for path in repository.files() if path.suffix == ".proto"]
    kinds = ("python", "pyi", "grpc_python")
    outputs = [f"--{kind}_out={tmp_path}" for kind in kinds]
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", ".", *outputs, *sources]
    subprocess.run(command, cwd=repository.ROOT, check=True)
    compiled = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(compiled) == len(sources) * len(kinds)
    stale = [
        str(path.relative_to(tmp_path))
        for path in compiled
        if (repository.ROOT / path.relative_to(tmp_path)).read_bytes() != path.read_bytes()
    ]
    assert not stale, "run `make proto` and commit the result"
