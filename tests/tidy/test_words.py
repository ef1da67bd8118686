"""What must not stand anywhere: paths of one machine, unfinished work, tests that sleep and hope."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.tidy import repository

# Written in pieces, so that this file does not find itself.
MACHINE_PATHS = re.compile(
    "|".join(rf"(?<![\w.*/-])/{name}/" for name in ("wor" + "k", "far" + "m", "roo" + "t", "Users", "home/[a-z]"))
)
UNFINISHED = re.compile(
    "|".join(("TO" + "DO", "FIX" + "ME", r"\bXX" + r"X\b", "NotImplemented" + "Error", "not yet " + "implemented"))
)
BINARY_SUFFIXES = {".png", ".jpg", ".ico", ".woff2", ".gz", ".zip"}


def lines_matching(pattern: re.Pattern[str], paths: Iterator[Path]) -> list[str]:
    found = []
    for path in paths:
        for number, line in enumerate(repository.text(path).splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path}:{number}: {line.strip()[:120]}")
    return found


def text_files() -> Iterator[Path]:
    return (path for path in repository.files() if path.suffix not in BINARY_SUFFIXES)


def test_no_path_of_one_machine() -> None:
    found = lines_matching(MACHINE_PATHS, text_files())
    assert not found, "\n".join(found)


def test_nothing_is_left_unfinished() -> None:
    found = lines_matching(
        UNFINISHED, (path for path in text_files() if path.suffix != ".txt" and not repository.is_generated(path))
    )
    assert not found, "finish it or leave it out:\n" + "\n".join(found)


def sleeps_outside_loops(tree: ast.Module) -> Iterator[ast.Call]:
    """Calls of `sleep` that do not stand in a loop: a loop with a deadline polls, anything else hopes."""

    def visit(node: ast.AST, in_loop: bool) -> Iterator[ast.Call]:
        if isinstance(node, ast.Call) and not in_loop:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yields_only = bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
            if called == "sleep" and not yields_only:
                yield node
        for child in ast.iter_child_nodes(node):
            yield from visit(child, in_loop or isinstance(node, ast.While | ast.For | ast.AsyncFor))

    return visit(tree, False)


def test_no_test_sleeps_and_hopes() -> None:
    found = [
        f"{path}:{call.lineno}"
        for path in repository.python_files()
        if repository.is_test(path)
        for call in sleeps_outside_loops(repository.tree(path))
    ]
    assert not found, f"wait for a condition with a deadline instead: {found}"


def test_a_hopeful_sleep_would_be_found() -> None:
    hopeful = ast.parse("import time\ntime.sleep(1)\nwhile True:\n    time.sleep(0.1)\n")
    assert [call.lineno for call in sleeps_outside_loops(hopeful)] == [2]
