"""The compiled requirement files agree with their sources and with each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.tidy import repository

FOLDER = repository.ROOT / "requirements"
SOURCES = sorted(FOLDER.glob("*.in"))
PIN = re.compile(r"^([A-Za-z0-9_.\-]+)(\[[^\]]*\])?==([^ ;\\]+)")


def asked(source: Path) -> dict[str, Requirement]:
    """Requirements by name, with those of included files."""
    found: dict[str, Requirement] = {}
    for line in source.read_text(encoding="utf-8").splitlines():
        stripped = line.split("#")[0].strip()
        if stripped.startswith("-r "):
            found |= asked(source.parent / stripped.removeprefix("-r ").strip())
        elif stripped:
            requirement = Requirement(stripped)
            found[canonicalize_name(requirement.name)] = requirement
    return found


def pinned(compiled: Path) -> dict[str, set[Version]]:
    """A universal file may pin one name twice, under different markers."""
    found: dict[str, set[Version]] = {}
    for line in compiled.read_text(encoding="utf-8").splitlines():
        match = PIN.match(line)
        if match:
            found.setdefault(canonicalize_name(match[1]), set()).add(Version(match[3]))
    return found


def test_there_are_sources() -> None:
    assert {source.stem for source in SOURCES} >= {"base", "build", "dev", "embedded", "interop"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_every_requirement_is_pinned_as_asked(source: Path) -> None:
    pins = pinned(source.with_suffix(".txt"))
    wrong = [
        f"{requirement} is pinned at {sorted(map(str, pins.get(name, ())))}"
        for name, requirement in asked(source).items()
        if not pins.get(name) or not all(requirement.specifier.contains(version) for version in pins[name])
    ]
    assert not wrong, "run `make requirements`: " + "; ".join(wrong)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_every_pin_carries_a_hash(source: Path) -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", source.with_suffix(".txt").read_text(encoding="utf-8"))
    bare = [block.split()[0] for block in blocks if PIN.match(block) and "--hash=sha256:" not in block]
    assert not bare


@pytest.mark.parametrize("name", ["base", "embedded"])
def test_tests_run_on_the_versions_that_a_node_runs_on(name: str) -> None:
    tested = pinned(FOLDER / "dev.txt")
    for package, versions in pinned(FOLDER / f"{name}.txt").items():
        assert tested.get(package) == versions, package
