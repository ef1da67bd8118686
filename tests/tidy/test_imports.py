"""The import contracts cover what exists: a new pure-by-design module or folder must be named in pyproject.toml."""

from __future__ import annotations

import tomllib
from typing import Any

from tests.tidy import repository

CONTRACTS: list[dict[str, Any]] = tomllib.loads((repository.ROOT / "pyproject.toml").read_text())["tool"][
    "importlinter"
]["contracts"]
PURE_BY_DESIGN = {
    "dataplane.access",
    "dataplane.contracts",
    "dataplane.errors",
    "dataplane.leases",
    "dataplane.placement",
    "dataplane.ports",
    "dataplane.shards.plan",
    "gossip.core",
    "gossip.view",
    "s3gateway.addressing",
    "s3gateway.auth",
    "s3gateway.body.aws_chunked",
    "s3gateway.error_map",
    "s3gateway.errors",
    "s3gateway.request",
    "s3gateway.router",
    "s3gateway.shapes",
    "s3gateway.xml",
}


def contract(name_part: str) -> dict[str, Any]:
    (found,) = (one for one in CONTRACTS if name_part in one["name"])
    return found


def exists(module: str) -> bool:
    path = repository.ROOT.joinpath(*module.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def test_what_is_pure_by_design_is_held_to_it() -> None:
    held = set(contract("pure")["source_modules"])
    assert not {module for module in PURE_BY_DESIGN if exists(module)} - held


def test_every_package_stands_in_the_order() -> None:
    layers = " ".join(contract("One way only")["layers"]).replace("|", " ").split()
    assert {name for name in repository.PACKAGES if exists(name)} == set(layers) & set(repository.PACKAGES)


def test_every_folder_of_the_engine_stands_in_the_order() -> None:
    assert contract("Inside the engine")["exhaustive"] is True
