"""Where things live: known top-level places, telling names, no empty placeholders."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.tidy import repository

BANNED_STEMS = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "shared"}
"""Names that say nothing of what is inside, so that everything ends up inside."""

TOP_LEVEL = {
    ".ci", ".dockerignore", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "Dockerfile", "LICENSE", "Makefile",
    "README.md", "SECURITY.md", "anvil_site", "control", "dataplane", "deploy", "docs", "gossip", "manage.py",
    "pyproject.toml", "requirements", "s3gateway", "tests",
}  # fmt: skip
TEST_TIERS = {
    "browser", "cluster", "conformance", "faults", "integration", "interop", "performance", "property", "simulation",
    "support", "tidy", "unit",
}  # fmt: skip


def test_everything_has_a_known_place() -> None:
    strangers = {path.parts[0] for path in repository.files()} - TOP_LEVEL
    assert not strangers, f"the repository's top level is described in docs/develop/layout.md: {sorted(strangers)}"


def test_tests_live_in_a_known_tier() -> None:
    tiers = {path.parts[1] for path in repository.files() if repository.is_test(path) and len(path.parts) > 2}
    assert not tiers - TEST_TIERS


def test_no_name_says_nothing() -> None:
    banned = [str(path) for path in repository.python_files() if path.stem in BANNED_STEMS]
    assert not banned, f"name these modules after what they hold: {banned}"


def test_every_module_opens_with_its_duty() -> None:
    silent = [
        str(path)
        for path in repository.package_files()
        if repository.tree(path).body and not ast.get_docstring(repository.tree(path))
    ]
    assert not silent, f"a module's docstring says its duty and what it must not know: {silent}"


def test_annotations_are_postponed() -> None:
    missing = []
    for path in repository.python_files():
        body = repository.tree(path).body
        code = [node for node in body if not isinstance(node, ast.Expr)]
        future = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in body)
        if code and not future:
            missing.append(str(path))
    assert not missing, f"start with `from __future__ import annotations`: {missing}"


def test_no_package_is_an_empty_placeholder() -> None:
    modules: dict[Path, int] = {}
    for path in repository.files():
        if path.suffix in {".py", ".proto"} and path.parts[0] in repository.PACKAGES:
            holds_code = path.name != "__init__.py" or any(
                not isinstance(node, ast.Expr) for node in repository.tree(path).body
            )
            for parent in path.parents:
                if parent.parts:
                    modules[parent] = modules.get(parent, 0) + holds_code
    empty = sorted(str(folder) for folder, count in modules.items() if count == 0)
    assert not empty, f"a folder exists from the day its first working code lands: {empty}"
