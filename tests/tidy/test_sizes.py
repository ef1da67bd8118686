"""Files and functions stay small enough to be read in one sitting."""

from __future__ import annotations

import ast

from tests.tidy import repository

MOST_LINES_OF_A_FILE = 600
MOST_LINES_OF_A_TEST_FILE = 800
MOST_LINES_OF_A_FUNCTION = 60


def test_no_file_is_too_long() -> None:
    too_long = []
    for path in repository.python_files():
        limit = MOST_LINES_OF_A_TEST_FILE if repository.is_test(path) else MOST_LINES_OF_A_FILE
        count = len(repository.text(path).splitlines())
        if count > limit:
            too_long.append(f"{path}: {count} lines, at most {limit}")
    assert not too_long, "split these files:\n" + "\n".join(too_long)


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From `def` to the last line, not counting the docstring."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def test_no_function_is_too_long() -> None:
    too_long = []
    for path in repository.python_files():
        for node in ast.walk(repository.tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = function_lines(node)
                if count > MOST_LINES_OF_A_FUNCTION:
                    too_long.append(f"{path}:{node.lineno} {node.name}: {count} lines")
    assert not too_long, f"at most {MOST_LINES_OF_A_FUNCTION} lines a function:\n" + "\n".join(too_long)
